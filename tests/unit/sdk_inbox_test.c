/* What threads post is run once, in its order, and nothing is lost when the inbox closes. */
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/inbox.h"

static bool is_readable(const struct inbox *inbox)
{
	struct pollfd fd = {.fd = inbox->fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static void posts_come_in_their_order(void **state)
{
	struct inbox inbox;
	struct post posts[3];

	(void)state;
	assert_int_equal(inbox_init(&inbox), 0);
	assert_null(inbox_take(&inbox));
	for (int i = 0; i < 3; i++)
		inbox_post(&inbox, &posts[i]);
	assert_true(is_readable(&inbox));
	assert_ptr_equal(inbox_take(&inbox), &posts[0]);
	assert_ptr_equal(posts[0].next, &posts[1]);
	assert_ptr_equal(posts[1].next, &posts[2]);
	assert_null(posts[2].next);
	assert_false(is_readable(&inbox));
	assert_null(inbox_take(&inbox));
	inbox_deinit(&inbox);
}

static void a_wake_is_no_post(void **state)
{
	struct inbox inbox;

	(void)state;
	assert_int_equal(inbox_init(&inbox), 0);
	inbox_wake(&inbox);
	assert_true(is_readable(&inbox));
	assert_null(inbox_take(&inbox));
	assert_false(is_readable(&inbox));
	inbox_deinit(&inbox);
}

static void what_was_posted_before_the_close_is_taken(void **state)
{
	struct inbox inbox;
	struct post early;
	struct post late;

	(void)state;
	assert_int_equal(inbox_init(&inbox), 0);
	inbox_post(&inbox, &early);
	inbox_close(&inbox);
	assert_false(inbox_try_post(&inbox, &late));
	inbox_wake(&inbox);
	assert_ptr_equal(inbox_take(&inbox), &early);
	assert_null(early.next);
	assert_null(inbox_take(&inbox));
	inbox_deinit(&inbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_come_in_their_order),
		cmocka_unit_test(a_wake_is_no_post),
		cmocka_unit_test(what_was_posted_before_the_close_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
