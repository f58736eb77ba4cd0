/* YAML with lines: the tree, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"

#define CODE 1800

struct fixture {
	struct arena arena;
	struct err err;
};

static struct yaml_node *parse(struct fixture *f, const char *text)
{
	struct yaml_node *root = NULL;

	assert_int_equal(yaml_parse(str_from(text), "f.yaml", CODE, &f->arena, &root, &f->err), 0);
	return root;
}

static void keeps_order_lines_and_kinds(void **state)
{
	struct fixture f = {0};
	struct yaml_node *root = parse(&f, "a: 1\n\nb: [x, \"true\"]\nc:\n  - k: v\n    e:\n");
	struct yaml_node *b = yaml_find(root, "b");
	struct yaml_node *map = yaml_find(root, "c")->value->first;
	bool flag;

	assert_int_equal(root->kind, YAML_MAP);
	assert_int_equal(root->count, 3);
	assert_string_equal(root->first->value->text.data, "1");
	assert_int_equal(b->line, 3);
	assert_true(b->value->flow);
	assert_int_equal(b->value->count, 2);
	assert_false(yaml_to_bool(b->value->first->next, &flag));
	assert_int_equal(map->line, 5);
	assert_int_equal(map->column, 5);
	assert_true(yaml_is_null(yaml_find(map, "e")->value));
	assert_int_equal(yaml_find(map, "e")->value->line, 6);
	assert_null(yaml_find(map, "z"));
	arena_deinit(&f.arena);
}

static void tells_where_text_stands_in_bytes(void **state)
{
	struct fixture f = {0};
	const char *text = "ä: ü # ö\nkey: \"a\\tb\"\nplain: word # c\n";
	struct yaml_node *root = parse(&f, text);
	struct yaml_node *key = yaml_find(root, "key")->value;
	struct yaml_node *plain = yaml_find(root, "plain")->value;

	assert_string_equal(key->text.data, "a\tb");
	assert_false(key->plain);
	assert_memory_equal(text + key->start, "a\\tb\"", 5);
	assert_memory_equal(text + plain->start, "word #", 6);
	assert_int_equal(plain->end - plain->start, 4);
	arena_deinit(&f.arena);
}

static void an_empty_text_has_no_root(void **state)
{
	struct fixture f = {0};

	assert_null(parse(&f, ""));
	assert_null(parse(&f, "# only a comment\n"));
	arena_deinit(&f.arena);
}

static void refuses_what_is_not_plain_yaml_and_names_the_line(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: strlen */
		const char *says;
	} rows[] = {
		{"a: 1\n\tb: 2\n", 0,
		 "f.yaml:2: the line is indented with a tab; YAML wants spaces"},
		{"a: 1\nb: \0c", 9, "f.yaml:2: the byte 0x00 is not text in UTF-8"},
		{"\x7f"
		 "ELF\x02\x01\x01\0",
		 8, "f.yaml:1: the byte 0x02 is not text"},
		{"a: \xff\n", 0, "f.yaml:1: the byte 0xff is not text in UTF-8"},
		{"a: \xc0\x80\n", 0, "f.yaml:1: the byte 0xc0"},
		{"a: \xe2\x82", 0, "f.yaml:1: the byte 0xe2"},
		{"a: 1\nb: [x\n", 0, "f.yaml:3: flow sequence without a closing bracket"},
		{"a: \"x\n", 0, "f.yaml:1: double-quoted scalar without closing quote"},
		{"a: &x 1\n", 0, "f.yaml:1: anchors (&name) and aliases (*name)"},
		{"a: 1\nb: *x\n", 0, "f.yaml:2: anchors (&name) and aliases (*name)"},
		{"a: !!int 1\n", 0, "f.yaml:1: tags (!name) are not supported"},
		{"a: 1\n---\nb: 2\n", 0, "f.yaml:2: a second document begins here"},
		{"a: 1\n? [x]\n: c\n", 0, "f.yaml:2: a key must be text, not a map or a list"},
		{"%YAML 9.9\n---\na: 1\n", 0, "f.yaml:1: this is not well-formed YAML"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f = {0};
		struct yaml_node *root = NULL;
		struct str text = {rows[i].text, rows[i].len ? rows[i].len : strlen(rows[i].text)};

		assert_true(yaml_parse(text, "f.yaml", CODE, &f.arena, &root, &f.err) < 0);
		assert_null(root);
		assert_int_equal(f.err.code, CODE);
		if (strncmp(f.err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("row %zu: '%s' is not '%s'", i, f.err.text, rows[i].says);
		arena_deinit(&f.arena);
	}
}

static void refuses_towers_of_brackets(void **state)
{
	static char text[100000];
	struct fixture f = {0};
	struct yaml_node *root = NULL;

	for (const char *piece = "[-"; *piece; piece++) {
		for (size_t i = 0; i < sizeof(text); i += 2) {
			text[i] = *piece;
			text[i + 1] = *piece == '-' ? ' ' : *piece;
		}
		assert_true(yaml_parse((struct str){text, sizeof(text)}, "f.yaml", CODE, &f.arena,
				       &root, &f.err) < 0);
		assert_non_null(strstr(f.err.text, "too many levels"));
	}
	arena_deinit(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_lines_and_kinds),
		cmocka_unit_test(tells_where_text_stands_in_bytes),
		cmocka_unit_test(an_empty_text_has_no_root),
		cmocka_unit_test(refuses_what_is_not_plain_yaml_and_names_the_line),
		cmocka_unit_test(refuses_towers_of_brackets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
