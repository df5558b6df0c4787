/*
 * actor.h
 *		Who acts: the setting by which a session says for whom it works.
 */
#ifndef ACTOR_H
#define ACTOR_H

extern void finance_actor_init(void);

#endif							/* ACTOR_H */
