/* An OCSP response is handed out until it ends, and not a second longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/tls_ocsp.h"

static void a_response_is_good_until_its_end(void **state)
{
	struct tls_ocsp ocsp = {.until_s = 1000};

	assert_false(tls_ocsp_is_good(&ocsp, 0)); /* there is none */
	buf_append(&ocsp.der, "der", 3);
	assert_true(tls_ocsp_is_good(&ocsp, 999));
	assert_false(tls_ocsp_is_good(&ocsp, 1000));
	tls_ocsp_deinit(&ocsp);
	assert_false(tls_ocsp_is_good(&ocsp, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_is_good_until_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
