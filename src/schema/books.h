/*
 * books.h
 *		What the files about sets of books share: keeper/books.c and drop.c have
 *		what users call; here find.c finds and locks, trust.c says who may,
 *		make.c makes schemas, version.c reads, file.c finds the files of the books'
 *		SQL, script.c runs them.
 */
#ifndef FINANCE_BOOKS_H
#define FINANCE_BOOKS_H

#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* One set of books, or the schema that it is to be made in. */
typedef struct Books
{
	char	   *name;			/* also the name of its schema */
	Oid			schema;			/* InvalidOid where there is none yet */
	Oid			owner;			/* of the schema; InvalidOid as above */
	Oid			ledger;			/* its table "entry"; InvalidOid: no books here */
	char	   *internal_name;	/* of the schema for its internal functions */
	Oid			internal;		/* InvalidOid where there is none yet */
	Oid			internal_owner;
	Oid			code;			/* the schema of the extension */
	Oid			extension;
} Books;

/* Who we were before we acted as somebody else. */
typedef struct Acting
{
	Oid			user;
	int			sec_context;
	int			guc_level;
} Acting;

/* find.c */
extern Books *finance_books_find(const char *name, Oid caller_function);
extern List *finance_books_find_all(Oid caller_function);
extern void finance_books_look_again(Books *books);
extern bool finance_books_is_own_code(const Books *books);
extern List *finance_books_contents(Oid schema);
extern Oid	finance_books_schema_owner(Oid schema);
extern Oid	finance_books_object_owner(const ObjectAddress *object);
extern char *finance_books_role_name(Oid role);
extern char *finance_books_internal_name(const char *name);
extern void finance_books_lock_name(const char *name, Oid function);
extern void finance_books_lock(const Books *books);

/* trust.c */
extern void finance_books_check_owner(const Books *books);
extern void finance_books_check_schema(const Books *books);
extern void finance_books_check_path(const Books *books);
extern void finance_books_check_room(const Books *books);

/* make.c */
extern void finance_books_make_schemas(Books *books);

/* version.c */
extern char *finance_books_version(const Books *books, Oid reader, bool wait);
extern bool finance_books_hold_entries(const Books *books);

/* script.c */
extern void finance_books_act_as(Oid owner, Acting *before);
extern void finance_books_act_as_before(const Acting *before);
extern void finance_books_run_script(const Books *books, const char *file);
extern void finance_books_run_command(const char *command);

/* file.c */
extern char *finance_books_read_script(const char *file_name);
extern char *finance_books_next_step(const char *version, char **next_version);

/*
 * The tables of the books are made once by the first of these and changed by
 * the steps, "finance-books--1.0--1.1.sql"; what works on them is in the last,
 * and the one between drops it before it is made anew.
 */
#define BOOKS_FILE_PREFIX "finance-books--"
#define TABLES_FILE BOOKS_FILE_PREFIX FINANCE_VERSION ".sql"
#define ANEW_FILE "finance-books-anew--" FINANCE_VERSION ".sql"
#define CODE_FILE "finance-books-code--" FINANCE_VERSION ".sql"

#endif							/* FINANCE_BOOKS_H */
