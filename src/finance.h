/*
 * finance.h
 *		What every file of the extension includes first, and the only place
 *		that knows one PostgreSQL version from another.
 */
#ifndef FINANCE_H
#define FINANCE_H

#include "postgres.h"

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "finance needs PostgreSQL 15 or newer"
#endif

/* varatt.h was split out of postgres.h in 16 */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* range_serialize() can report softly since 16; we have no use for that */
#if PG_VERSION_NUM >= 160000
#define finance_range_serialize(typcache, lower, upper, empty) \
	range_serialize(typcache, lower, upper, empty, NULL)
#else
#define finance_range_serialize(typcache, lower, upper, empty) \
	range_serialize(typcache, lower, upper, empty)
#endif

/* one function checks rights on every kind of object since 16, told by its catalog */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#define finance_schema_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, schema, role, mode)
#define finance_database_aclcheck(database, role, mode) \
	object_aclcheck(DatabaseRelationId, database, role, mode)
#else
#define finance_schema_aclcheck(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#define finance_database_aclcheck(database, role, mode) pg_database_aclcheck(database, role, mode)
#endif

/* constraints may be kept without being enforced since 18 */
#if PG_VERSION_NUM >= 180000
#define finance_check_enforced(check) ((check)->ccenforced)
#define finance_key_enforced(key) ((key)->conenforced)
#else
#define finance_check_enforced(check) true
#define finance_key_enforced(key) true
#endif

/* a member may lack the right to SET ROLE since 16 */
#if PG_VERSION_NUM >= 160000
#define finance_can_become(member, role) member_can_set_role(member, role)
#else
#define finance_can_become(member, role) is_member_of_role(member, role)
#endif

/* the c.h of older versions has none */
#ifndef i64abs
#define i64abs(i) ((int64) llabs(i))
#endif

/* before 18 the mark of a function that does not return stood behind it */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* FINANCE_H */
