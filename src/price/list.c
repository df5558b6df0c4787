/*
 * list.c
 *		Price lists as the terms give them: read, put in order, and linked to
 *		their parents.
 */
#include "finance.h"

#include "miscadmin.h"
#include "price.h"

static void read_position(PricePosition *position, const JsonNode *node);
static int	compare_lists(const void *a, const void *b);
static bool is_cycle(const PriceList *list);
static void sort_positions(PriceList *list);
static int	compare_positions(const void *a, const void *b);

/*
 * Read the "lists" of a terms document, which are keyed by their ids: names,
 * parents, discounts and positions.  Refused with the place (22023), and past
 * the limits (54000).
 */
void
finance_price_lists_read(const JsonNode *root, PriceLists *lists)
{
	JsonNode	document;
	JsonNode	node;
	JsonbIterator *iterator;

	if (!finance_json_get_object(root, "lists", &document))
		return;
	finance_limit_take(root->use, LIMIT_LISTS, JsonContainerSize(document.value.val.binary.data));
	lists->lists = palloc0(sizeof(PriceList) *
						   Max(JsonContainerSize(document.value.val.binary.data), 1));
	iterator = finance_json_iterate(&document);
	while (finance_json_next_object(&iterator, &document, &node))
	{
		PriceList  *list = &lists->lists[lists->nlists++];
		char	   *end;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		list->id = strtoi64(node.key, &end, 10);
		if (errno != 0 || end == node.key || *end != '\0')
			finance_json_refuse(&node, "must have the id of a price list as its key");
		finance_price_list_read(list, &node);
	}
	qsort(lists->lists, lists->nlists, sizeof(PriceList), compare_lists);
	for (int i = 1; i < lists->nlists; i++)
	{
		if (lists->lists[i].id == lists->lists[i - 1].id)
			finance_json_refuse(&document, "has list " INT64_FORMAT " twice", lists->lists[i].id);
	}
	finance_price_lists_link(lists, &document);
}

/* Order price lists by their ids. */
static int
compare_lists(const void *a, const void *b)
{
	int64		left = ((const PriceList *) a)->id;
	int64		right = ((const PriceList *) b)->id;

	CHECK_FOR_INTERRUPTS();
	return left < right ? -1 : left > right;
}

/* Read one price list, of which the id is given. */
void
finance_price_list_read(PriceList *list, const JsonNode *node)
{
	JsonNode	positions;
	int			npositions;

	if (!finance_json_string(node, "name", &list->name))
		list->name = psprintf("price list " INT64_FORMAT, list->id);
	list->has_parent = finance_json_int64(node, "parent", PG_INT64_MIN, PG_INT64_MAX,
										  &list->parent_id);
	finance_discount_read(node, &list->discount);

	npositions = finance_json_get_array(node, "prices", LIMIT_POSITIONS, &positions);
	list->positions = palloc0(sizeof(PricePosition) * Max(npositions, 1));
	for (int i = 0; i < npositions; i++)
	{
		JsonNode	position;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&positions, i, &position);
		read_position(&list->positions[list->npositions++], &position);
	}
	sort_positions(list);
}

/* Read one position of a price list. */
static void
read_position(PricePosition *position, const JsonNode *node)
{
	if (!finance_json_int64(node, "id", PG_INT64_MIN, PG_INT64_MAX, &position->id))
		finance_json_missing(node, "id");
	position->has_employee = finance_json_int64(node, "employee", PG_INT64_MIN, PG_INT64_MAX,
												&position->employee);
	(void) finance_json_string(node, "role", &position->role);
	position->has_work_type = finance_json_int64(node, "work_type", PG_INT64_MIN, PG_INT64_MAX,
												 &position->work_type);
	if (!finance_json_date(node, "from", &position->valid_from))
		finance_json_missing(node, "from");
	(void) finance_json_fixed(node, "price", PRICE_SCALE, 0, PRICE_MAX,
							  &position->price, &position->numeric);
	finance_discount_read(node, &position->discount);
	if (position->has_employee && position->role != NULL)
		finance_json_refuse(node, "must price an employee or a role, not both");
}

/*
 * Let each list know its parent; a chain that comes back to itself is refused,
 * and so is one so long that no price would be looked for up there.  The lists are
 * in order of id.
 */
void
finance_price_lists_link(PriceLists *lists, const JsonNode *document)
{
	for (int i = 0; i < lists->nlists; i++)
	{
		PriceList  *list = &lists->lists[i];

		CHECK_FOR_INTERRUPTS();
		if (!list->has_parent)
			continue;
		list->parent = finance_price_list(lists, list->parent_id);
		if (list->parent == NULL)
			finance_json_refuse(document, "has no list " INT64_FORMAT
								", the parent of list " INT64_FORMAT,
								list->parent_id, list->id);
	}
	for (int i = 0; i < lists->nlists; i++)
	{
		int			nparents = 0;

		CHECK_FOR_INTERRUPTS();
		for (const PriceList *list = lists->lists[i].parent; list != NULL; list = list->parent)
		{
			if (++nparents < lists->nlists && nparents <= LIST_PARENTS_MAX)
				continue;
			if (is_cycle(&lists->lists[i]))
				finance_json_refuse(document, "has a cycle of parents at list " INT64_FORMAT,
									lists->lists[i].id);
			finance_limit_check(LIMIT_LIST_PARENTS, nparents);
		}
	}
}

/* Does a chain of parents come back to itself?  Then one that runs twice as fast meets it. */
static bool
is_cycle(const PriceList *list)
{
	const PriceList *fast = list;

	while (fast != NULL && fast->parent != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		list = list->parent;
		fast = fast->parent->parent;
		if (fast == list)
			return true;
	}
	return false;
}

/* Find a price list by its id; NULL when it is not among them. */
const PriceList *
finance_price_list(const PriceLists *lists, int64 id)
{
	int			low = 0;
	int			high = lists->nlists;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (lists->lists[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < lists->nlists && lists->lists[low].id == id ? &lists->lists[low] : NULL;
}

/* Put the positions in order of key and date; two of one key and day are refused. */
static void
sort_positions(PriceList *list)
{
	qsort(list->positions, list->npositions, sizeof(PricePosition), compare_positions);
	for (int i = 1; i < list->npositions; i++)
	{
		PricePosition *a = &list->positions[i - 1];
		PricePosition *b = &list->positions[i];

		if (compare_positions(a, b) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("price list \"%s\" has two positions for the same key and day",
							list->name),
					 errdetail("Positions " INT64_FORMAT " and " INT64_FORMAT
							   " have the same employee, role, work type and date.",
							   Min(a->id, b->id), Max(a->id, b->id))));
	}
}

/* Order positions by the key that they price, whatever their dates. */
int
finance_position_compare_keys(const PricePosition *a, const PricePosition *b)
{
	if (a->has_employee != b->has_employee)
		return a->has_employee ? -1 : 1;
	if (a->employee != b->employee)
		return a->employee < b->employee ? -1 : 1;
	if ((a->role == NULL) != (b->role == NULL))
		return a->role != NULL ? -1 : 1;
	if (a->role != NULL && strcmp(a->role, b->role) != 0)
		return strcmp(a->role, b->role);
	if (a->has_work_type != b->has_work_type)
		return a->has_work_type ? -1 : 1;
	if (a->work_type != b->work_type)
		return a->work_type < b->work_type ? -1 : 1;
	return 0;
}

/* Order positions by key, then by date. */
static int
compare_positions(const void *a, const void *b)
{
	const PricePosition *left = a;
	const PricePosition *right = b;
	int			order = finance_position_compare_keys(left, right);

	CHECK_FOR_INTERRUPTS();
	if (order == 0 && left->valid_from != right->valid_from)
		order = left->valid_from < right->valid_from ? -1 : 1;
	return order;
}

/* Read the "discount_pct" of an object, a percentage off, or a surcharge when negative. */
void
finance_discount_read(const JsonNode *node, Discount *discount)
{
	int128		percent = 0;

	(void) finance_json_fixed(node, "discount_pct", PERCENT_SCALE, PERCENT_MIN, PERCENT_MAX,
							  &percent, &discount->numeric);
	discount->percent = (int64) percent;
}
