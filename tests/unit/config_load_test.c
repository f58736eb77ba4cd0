/* Files and what is said about them: each row is a file, and either nothing is wrong with it or
 * exactly these errors are told, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "config/config.h"
#include "observe/errors.h"

struct expected {
	unsigned line;
	int code;
	const char *says; /* a part of the text */
};

struct row {
	const char *name;
	const char *yaml;
	struct expected errors[12];
};

#define PLUGIN "whitelist: {file: w}\nplugins:\n- {name: echo, executable: e}\n"

static const struct row rows[] = {
	/* ---- nothing wrong ---- */
	{"an empty file is all defaults", "", {{0}}},
	{"a file of comments is all defaults", "# nothing\n\n# here\n", {{0}}},
	{"a section whose lines are commented out is empty",
	 "http:\n#  body_limit: 1\nroutes:\n",
	 {{0}}},
	{"a byte order mark and carriage returns are fine",
	 "\xef\xbb\xbflisten: :80\r\nlog: {}\r\n",
	 {{0}}},
	{"a marker of the one document is fine", "---\nlisten: :80\n...\n", {{0}}},
	{"an address says whether TLS is spoken there",
	 "listen: [\"https://:443\", \"http://:80\", \":81\"]\n"
	 "tls: {certificates: [{certificate: c, key: k, names: \"*.example.com\"}]}\n",
	 {{0}}},
	{"clients are asked for certificates of a CA",
	 "tls: {client_certificates: optional, client_ca: ca, client_crl: crl}\n",
	 {{0}}},
	{"sizes may be in quotes", "http: {body_limit: \"10MiB\"}\n", {{0}}},

	/* ---- syntax ---- */
	{"a tab is pointed at", "http:\n\tbody_limit: 1\n", {{2, ERR_CONFIG_SYNTAX, "tab"}}},
	{"an open bracket is pointed at", "listen: [a\n", {{2, ERR_CONFIG_SYNTAX, "bracket"}}},
	{"a second document is refused",
	 "log: {}\n---\nlog: {}\n",
	 {{2, ERR_CONFIG_SYNTAX, "second document"}}},
	{"an alias is refused", "log: &a {}\nhttp: *a\n", {{1, ERR_CONFIG_SYNTAX, "aliases"}}},
	{"a tag is refused", "listen: !!str :80\n", {{1, ERR_CONFIG_SYNTAX, "tags"}}},
	{"Latin-1 is refused", "log:\n  level: \xe9\n", {{2, ERR_CONFIG_SYNTAX, "UTF-8"}}},
	{"a binary file is refused",
	 "\x7f"
	 "ELF\x02\x01",
	 {{1, ERR_CONFIG_SYNTAX, "0x02"}}},
	{"sixty levels are too many",
	 "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: "
	 "{a: {a: {a: "
	 "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: "
	 "{a: ",
	 {{1, ERR_CONFIG_SYNTAX, "levels"}}},

	/* ---- shape ---- */
	{"a list is no configuration", "- a\n", {{1, ERR_CONFIG_TYPE, "a list"}}},
	{"a text is no configuration", "hello\n", {{1, ERR_CONFIG_TYPE, "text"}}},
	{"a section that is a text is refused",
	 "http: 3\n",
	 {{1, ERR_CONFIG_TYPE, "a map of settings"}}},
	{"a section that is a list is refused",
	 "http: [a]\n",
	 {{1, ERR_CONFIG_TYPE, "a map of settings"}}},
	{"a list of sections that is a map is refused",
	 "plugins: {a: 1}\n",
	 {{1, ERR_CONFIG_TYPE, "dash"}}},
	{"a text among the routes is refused",
	 "routes:\n- a\n",
	 {{2, ERR_CONFIG_TYPE, "routes[0]: is \"a\"; write a map"}}},
	{"a list where one value belongs is refused",
	 "log: {level: [info]}\n",
	 {{1, ERR_CONFIG_TYPE, "log.level: is a list"}}},
	{"a map where a list belongs is refused",
	 "listen: {a: 1}\n",
	 {{1, ERR_CONFIG_TYPE, "is a map"}}},
	{"a key without a value is refused",
	 "log:\n  level:\n",
	 {{2, ERR_CONFIG_TYPE, "without a value"}}},
	{"a list inside a list of texts is refused",
	 "listen:\n- :80\n- [a]\n",
	 {{3, ERR_CONFIG_TYPE, "a list in its list"}}},

	/* ---- keys ---- */
	{"a umask is octal",
	 "process: {umask: 0o77}\n",
	 {{1, ERR_CONFIG_TYPE, "write octal digits, such as 0077"}}},
	{"a mode of a socket lets its owner in",
	 "unix_sockets: {mode: 0460}\n",
	 {{1, ERR_CONFIG_TYPE, "write octal digits, such as 0660"}}},
	{"proxies that are believed are needed where they are expected",
	 "listen: proxy+http://:80\n",
	 {{1, ERR_CONFIG_MISSING, "add trusted_proxies"}}},
	{"one address speaks one protocol",
	 "listen: [\"unix:/a\", \"proxy+http://unix:/a\"]\ntrusted_proxies: [unix]\n",
	 {{1, ERR_CONFIG_DUPLICATE, "are the same address"}}},
	{"pages for the operator are on no inherited socket",
	 "admin: {http: fd:web}\n",
	 {{1, ERR_CONFIG_CONFLICT, "on an address or a Unix socket"}}},
	{"a Unix socket has a whole path",
	 "listen: unix:a.sock\n",
	 {{1, ERR_CONFIG_TYPE, "write its whole path"}}},
	{"a group needs a user",
	 "process: {group: daemon}\n",
	 {{1, ERR_CONFIG_CONFLICT, "name the user too"}}},
	{"an unknown key gets a suggestion",
	 "http:\n  body_limt: 1\n",
	 {{2, ERR_CONFIG_UNKNOWN_KEY, "did you mean body_limit?"}}},
	{"an unknown section gets a suggestion",
	 "plugin: []\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "did you mean plugins?"}}},
	{"a wild key gets no suggestion",
	 "xyzzy: 1\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "knows here"}}},
	{"a key of another section is unknown here",
	 "log: {body_limit: 1}\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "log: \"body_limit\""}}},
	{"what comes with later versions is unknown",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  shadow: {}\n",
	 {{5, ERR_CONFIG_UNKNOWN_KEY, "shadow"}}},
	{"a key that comes twice is refused",
	 "log: {}\nlisten: :1\nlog: {}\n",
	 {{3, ERR_CONFIG_DUPLICATE, "line 1"}}},
	{"a key that comes twice in a section is refused",
	 "log:\n  level: info\n  level: warn\n",
	 {{3, ERR_CONFIG_DUPLICATE, "line 2"}}},
	{"control characters in a key don't reach the terminal",
	 "\"\\e[2J\": 1\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "\"\\x1b[2J\""}}},

	/* ---- values ---- */
	{"a certificate has a key, and both are found below tls",
	 "tls:\n  certificates:\n    - certificate: c\n    - {key: k, nmaes: a}\n",
	 {{3, ERR_CONFIG_MISSING, "tls.certificates[0]: key is missing"},
	  {4, ERR_CONFIG_UNKNOWN_KEY, "names?"},
	  {4, ERR_CONFIG_MISSING, "tls.certificates[1]: certificate is missing"}}},
	{"TLS needs a certificate",
	 "listen: https://:443\n",
	 {{1, ERR_CONFIG_MISSING, "add tls.certificates"}}},
	{"an address is one whatever is spoken there",
	 "listen: [\":80\", \"http://:80\"]\n",
	 {{1, ERR_CONFIG_DUPLICATE, ":80 and http://:80 are the same address"}}},
	{"a scheme that nobody serves is no address",
	 "listen: ftp://:21\n",
	 {{1, ERR_CONFIG_TYPE, "https://"}}},
	{"a name of a certificate is one",
	 "tls: {certificates: [{certificate: c, key: k, names: [a b]}]}\n",
	 {{1, ERR_CONFIG_TYPE, "*.example.com"}}},
	{"clients can't be verified without a CA",
	 "tls: {client_certificates: required}\n",
	 {{1, ERR_CONFIG_CONFLICT, "needs tls.client_ca"}}},
	{"a CA nobody is held against is refused",
	 "tls:\n  client_ca: ca\n  client_crl: crl\n",
	 {{2, ERR_CONFIG_CONFLICT, "not asked"}, {3, ERR_CONFIG_CONFLICT, "not asked"}}},
	{"yes is no boolean", "log: {access: yes}\n", {{1, ERR_CONFIG_TYPE, "write true"}}},
	{"off is no boolean", "log: {access: off}\n", {{1, ERR_CONFIG_TYPE, "write false"}}},
	{"a boolean in quotes is a text",
	 "log: {access: \"true\"}\n",
	 {{1, ERR_CONFIG_TYPE, "in quotes"}}},
	{"a number in quotes is a text",
	 "http: {header_count: '12'}\n",
	 {{1, ERR_CONFIG_TYPE, "in quotes"}}},
	{"a negative number is none",
	 "http: {header_count: -1}\n",
	 {{1, ERR_CONFIG_TYPE, "from 1 to 10000"}}},
	{"a number with a fraction is none",
	 "http: {header_count: 1.5}\n",
	 {{1, ERR_CONFIG_TYPE, "whole number"}}},
	{"a huge number is out of range",
	 "http: {header_count: 99999999999999999999999}\n",
	 {{1, ERR_CONFIG_RANGE, "from 1 to 10000"}}},
	{"a duration needs a unit",
	 "drain_timeout: 30\n",
	 {{1, ERR_CONFIG_TYPE, "unit is missing"}}},
	{"a duration above its range is refused",
	 "drain_timeout: 2h\n",
	 {{1, ERR_CONFIG_RANGE, "from 0 to 1h"}}},
	{"a size with a space is refused",
	 "http: {body_limit: 10 MiB}\n",
	 {{1, ERR_CONFIG_TYPE, "10MiB"}}},
	{"a size of zero is refused", "http: {body_limit: 0}\n", {{1, ERR_CONFIG_RANGE, "from 1"}}},
	{"an unknown choice names the known ones",
	 "log: {level: warning}\n",
	 {{1, ERR_CONFIG_TYPE, "is not debug, info, warn or error; did you mean warn?"}}},
	{"a policy that nobody knows is refused",
	 "whitelist: {policy: lenient}\n",
	 {{1, ERR_CONFIG_TYPE, "is not strict, permissive or audit"}}},
	{"a directory with .. in it is refused",
	 "whitelist: {allowed_directories: [/opt, /opt/../etc]}\n",
	 {{1, ERR_CONFIG_TYPE, "is not a plain path; write an absolute one"}}},
	{"an executable larger than memory files may be is refused",
	 "whitelist: {max_executable_size: 513MiB}\n",
	 {{1, ERR_CONFIG_RANGE, "512MiB"}}},
	{"an empty path is refused", "admin: {socket: \"\"}\n", {{1, ERR_CONFIG_RANGE, "empty"}}},
	{"a socket's path that the kernel can't take is refused",
	 "admin: {socket: "
	 "/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
	 "901234567890123456789}\n",
	 {{1, ERR_CONFIG_RANGE, "from 1 to 107"}}},
	{"a NUL byte is refused", "admin: {socket: \"/a\\0b\"}\n", {{1, ERR_CONFIG_SYNTAX, "NUL"}}},
	{"an address without a port is refused",
	 "listen: 127.0.0.1\n",
	 {{1, ERR_CONFIG_TYPE, "address"}}},
	{"an address that is listened on twice is refused",
	 "listen: [\":80\", \":80\"]\n",
	 {{1, ERR_CONFIG_DUPLICATE, "twice"}}},
	{"an empty list of addresses is refused",
	 "listen: []\n",
	 {{1, ERR_CONFIG_RANGE, "empty list"}}},

	/* ---- who clients are ---- */
	{"a way to say who one is must be known",
	 "http: {auth: [api_keys]}\nidentity: {api_keys: k}\n",
	 {{1, ERR_CONFIG_TYPE, "write api_key, basic"}}},
	{"a way that nobody can go is refused",
	 "http:\n  auth: [api_key, basic]\n",
	 {{2, ERR_CONFIG_CONFLICT, "needs identity.api_keys"},
	  {2, ERR_CONFIG_CONFLICT, "needs identity.users"}}},
	{"certificates need a meaning, and somebody who asks for them",
	 "http: {auth: mtls}\n",
	 {{1, ERR_CONFIG_CONFLICT, "needs identity.certificates"}}},
	{"certificates that nobody is asked for are refused",
	 "http: {auth: mtls}\nidentity: {certificates: [{subject: CN=a}]}\n",
	 {{1, ERR_CONFIG_CONFLICT, "needs tls.client_certificates"}}},
	{"a certificate that could be anybody's is refused",
	 "identity:\n  certificates:\n  - {as: a}\n",
	 {{3, ERR_CONFIG_MISSING, "every certificate would match"}}},
	{"a star that could be anybody's is refused",
	 "identity:\n  certificates:\n  - {subject: CN=a*}\n",
	 {{3, ERR_CONFIG_TYPE, "behind a comma"}}},
	{"none beside others says two things",
	 "http: {auth: [none, api_key]}\nidentity: {api_keys: k}\n",
	 {{1, ERR_CONFIG_CONFLICT, "says two things"}}},
	{"who is nobody has no role",
	 "http: {auth: {methods: none, any_role: [a]}}\n",
	 {{1, ERR_CONFIG_CONFLICT, "who is nobody"}}},
	{"who may be nobody can't be asked for a scope",
	 "http:\n  auth:\n    methods: api_key\n    optional: true\n    all_scopes: [a]\n"
	 "identity: {api_keys: k}\n",
	 {{4, ERR_CONFIG_CONFLICT, "who is nobody"}}},
	{"a rule without ways is refused, also where another counts",
	 PLUGIN "routes:\n- path: /a\n  plugin: echo\n  auth: {optional: false}\n",
	 {{7, ERR_CONFIG_CONFLICT, "add methods"}}},
	{"a method by name has its ways",
	 "identity:\n  rpc:\n  - {method: a.B/*}\n",
	 {{3, ERR_CONFIG_MISSING, "methods is missing"}}},
	{"a claim has its value",
	 "http: {auth: {methods: api_key, claims: [a]}}\nidentity: {api_keys: k}\n",
	 {{1, ERR_CONFIG_TYPE, "tenant=acme"}}},
	{"a scope is one word",
	 "http: {auth: {methods: api_key, any_scope: [\"a b\"]}}\nidentity: {api_keys: k}\n",
	 {{1, ERR_CONFIG_TYPE, "is no scope"}}},
	{"keys don't come where other things do",
	 "identity: {api_key_header: Authorization}\n",
	 {{1, ERR_CONFIG_TYPE, "a header of its own"}}},
	{"keys don't come in a header that no middleware sees",
	 "identity: {api_key_header: X_Forwarded-User}\n",
	 {{1, ERR_CONFIG_TYPE, "is taken out of every request"}}},
	{"clients are not told apart by a header that is taken out",
	 "http: {rate_limit: {by: header X-Real-IP}}\n",
	 {{1, ERR_CONFIG_TYPE,
	   "\"header X-Real-IP\" names a header that is taken out of every "
	   "request; write address"}}},
	{"other headers tell them apart",
	 "http: {rate_limit: {by: header X-Forward-For}}\n",
	 {{0}}},
	{"a number for a section is told what the section takes",
	 "http:\n  concurrency: 256\n",
	 {{2, ERR_CONFIG_TYPE,
	   "http.concurrency: is \"256\"; write a map of settings such as {limit: 256, queue: "
	   "512}"}}},
	{"a text for an element is told what it must have",
	 "identity: {jwt: {issuers: [https://a.test]}}\n",
	 {{1, ERR_CONFIG_TYPE,
	   "such as {issuer: \"https://login.example.com/\", audiences: "
	   "[\"https://api.example.com\"]}"}}},
	{"a certificate that is a text means nobody yet",
	 "identity: {certificates: [CN=a]}\n",
	 {{1, ERR_CONFIG_TYPE, "is \"CN=a\"; write a map of settings such as {subject"}}},
	{"a list stands for its section only where it is one",
	 "http: {rate_limit: [1]}\n",
	 {{1, ERR_CONFIG_TYPE, "is a list; write a map"}}},

	{"a list within sections is told with all of them",
	 "identity:\n  jwt:\n    issuers:\n    - {issuer: a, audiences: a, jwks_file: f, "
	 "refetch: 2h}\n",
	 {{4, ERR_CONFIG_CONFLICT, "4: identity.jwt.issuers[0].refetch: is longer"}}},
	{"a section within a list likewise",
	 PLUGIN "routes:\n- path: /a\n  plugin: echo\n  cors: {max_age: 1h}\n",
	 {{7, ERR_CONFIG_CONFLICT, "7: routes[0].cors.max_age: is of no policy"}}},

	/* ---- one fault, one message: nothing follows from the absence of what was refused ---- */
	{"a URL of keys that is refused is no lack of keys",
	 "identity: {jwt: {issuers: [{issuer: a, audiences: a, jwks_url: \"http://a.test/\"}]}}\n",
	 {{1, ERR_CONFIG_TYPE, "is not https"}}},
	{"nor is it one of a server for jwks_ca",
	 "identity: {jwt: {issuers: [{issuer: a, audiences: a, jwks_url: a, jwks_ca: b}]}}\n",
	 {{1, ERR_CONFIG_TYPE, "is no URL"}}},
	{"a secret that is refused is one",
	 "identity: {jwt: {issuers: [{issuer: a, audiences: a, secret_file: '', algorithms: "
	 "HS256}]}}\n",
	 {{1, ERR_CONFIG_RANGE, "is empty"}}},
	{"a refresh that is refused is compared with nothing",
	 "identity: {jwt: {issuers: [{issuer: a, audiences: a, jwks_file: f, refresh: 8, refetch: "
	 "2h}]}}\n",
	 {{1, ERR_CONFIG_TYPE, "its unit is missing"}}},
	{"issuers that are no list are not missing",
	 "http: {auth: jwt}\nidentity: {jwt: {issuers: {issuer: a}}}\n",
	 {{2, ERR_CONFIG_TYPE, "is a map; write a list"}}},
	{"an identity that is no map has whatever it has",
	 "http: {auth: [api_key, basic, jwt]}\nidentity: [a]\n",
	 {{2, ERR_CONFIG_TYPE, "is a list; write a map"}}},
	{"a file of keys that is refused is not missing",
	 "http: {auth: api_key}\nidentity: {api_keys: [a, b]}\n",
	 {{2, ERR_CONFIG_TYPE, "is a list; write a path"}}},
	{"certificates that are no list are not missing",
	 "listen: https://:1\ntls: {certificates: a.pem}\n",
	 {{2, ERR_CONFIG_TYPE, "is \"a.pem\"; write a list"}}},
	{"a misspelt wish for certificates is one",
	 "tls:\n  client_certificates: require\n  client_ca: a\n",
	 {{2, ERR_CONFIG_TYPE, "did you mean required?"}}},
	{"also for who is known by them",
	 "http: {auth: mtls}\nidentity: {certificates: [{subject: CN=a}]}\n"
	 "tls: {client_certificates: require, client_ca: a}\n",
	 {{3, ERR_CONFIG_TYPE, "did you mean required?"}}},
	{"proxies that are refused are not missing",
	 "listen: proxy+http://:1\ntrusted_proxies: [10.1.2.3/8]\n",
	 {{2, ERR_CONFIG_TYPE, "below its prefix"}}},
	{"a switch that is refused may be on",
	 PLUGIN "routes:\n- path: /a\n  plugin: echo\n  compress: {enabled: yes, min_size: 1KiB}\n"
		"  decompress_requests: {enabled: 1, max_ratio: 5}\n",
	 {{7, ERR_CONFIG_TYPE, "inherit, true or false"}, {8, ERR_CONFIG_TYPE, "write true"}}},
	{"keys of signatures that are refused are not missing",
	 "whitelist: {require_signature: true, public_keys: [a]}\n",
	 {{1, ERR_CONFIG_TYPE, "is no public key"}}},
	{"a user that is refused is not missing",
	 "process: {user: [a], group: a}\n",
	 {{1, ERR_CONFIG_TYPE, "is a list; write a text"}}},

	/* ---- plugins ---- */
	{"a plugin needs a name and an executable",
	 "whitelist: {file: w}\nplugins:\n- enabled: true\n",
	 {{3, ERR_CONFIG_MISSING, "name is missing"},
	  {3, ERR_CONFIG_MISSING, "executable is missing"}}},
	{"a plugin's name has no space",
	 "whitelist: {file: w}\nplugins:\n- {name: a b, executable: e}\n",
	 {{3, ERR_CONFIG_TYPE, "letters, digits"}}},
	{"a plugin's name has at most 64 characters",
	 "whitelist: {file: w}\nplugins:\n- {name: "
	 "a1234567890123456789012345678901234567890123456789012345678901234, executable: e}\n",
	 {{3, ERR_CONFIG_RANGE, "from 1 to 64"}}},
	{"two plugins of one name are refused",
	 PLUGIN "- name: a\n  executable: e\n- executable: f\n  name: echo\n",
	 {{7, ERR_CONFIG_DUPLICATE, "line 3"}}},
	{"an enabled plugin needs a whitelist",
	 "plugins:\n- {name: a, executable: e}\n",
	 {{0, ERR_CONFIG_MISSING, "whitelist.file"}}},
	{"a disabled plugin needs no whitelist",
	 "plugins:\n- {name: a, executable: e, enabled: false}\n",
	 {{0}}},
	{"a pipe's size contradicts a socketpair",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  pipe_size: 64KiB\n  "
	 "transport: socketpair\n",
	 {{5, ERR_CONFIG_CONFLICT, "line 6"}}},
	{"a variable's name is checked",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  env:\n    A=B: x\n    1A: "
	 "x\n    C: [1]\n    D:\n",
	 {{6, ERR_CONFIG_TYPE, "A=B"},
	  {7, ERR_CONFIG_TYPE, "1A"},
	  {8, ERR_CONFIG_TYPE, "is a list"},
	  {9, ERR_CONFIG_TYPE, "is nothing"}}},
	{"a variable that comes twice is refused",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, env: {A: 1, A: 2}}\n",
	 {{3, ERR_CONFIG_DUPLICATE, "\"A\""}}},

	/* ---- secrets ---- */
	{"secrets have a name and one source each",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  secrets:\n    a b: {env: "
	 "A}\n    b: hunter2\n    c: {file: f, env: A}\n    d: {value: x}\n    e: {env: 1A}\n    "
	 "f: "
	 "{file: [x]}\n    g: {credential: ../x}\n",
	 {{6, ERR_CONFIG_TYPE, "a b"},
	  {7, ERR_CONFIG_TYPE, "b has no source; write one of {file: "},
	  {8, ERR_CONFIG_TYPE, "c has no source"},
	  {9, ERR_CONFIG_TYPE, "d has no source"},
	  {10, ERR_CONFIG_TYPE, "e: env is not the name of a variable"},
	  {11, ERR_CONFIG_TYPE, "f: file is not a text"},
	  {12, ERR_CONFIG_TYPE, "g: credential is not the name of a credential"}}},
	{"a secret that comes twice is refused",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, secrets: {b: {env: A}, b: "
	 "{env: "
	 "A}}}\n",
	 {{3, ERR_CONFIG_DUPLICATE, "\"b\""}}},
	{"secrets are a map",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, secrets: [a]}\n",
	 {{3, ERR_CONFIG_TYPE, "is a list; write a map of names to sources"}}},

	/* ---- a plugin's own section ---- */
	{"a plugin's own section is a map",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, config: [1]}\n",
	 {{3, ERR_CONFIG_TYPE, "write a map"}}},
	{"a key that comes twice deep in it is refused",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, config: {l: [{k: 1, k: "
	 "2}]}}\n",
	 {{3, ERR_CONFIG_DUPLICATE, "\"k\""}}},
	{"numbers that nobody can hold are refused",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  config:\n    a: "
	 "18446744073709551616\n    b: -9223372036854775809\n    c: 1e999\n",
	 {{6, ERR_CONFIG_RANGE, "64 bits"},
	  {7, ERR_CONFIG_RANGE, "64 bits"},
	  {8, ERR_CONFIG_RANGE, "float"}}},

	/* ---- stand-ins ---- */
	{"a plugin stands in for others, and another one for it",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, on_unavailable: c}\n"
	 "- {name: b, executable: e, on_unavailable: c, enabled: false}\n"
	 "- {name: c, executable: e, on_unavailable: d}\n"
	 "- {name: d, executable: e, on_unavailable: fail}\n",
	 {{0}}},
	{"a stand-in must exist",
	 PLUGIN "- name: b\n  executable: e\n  on_unavailable: ehco\n",
	 {{6, ERR_CONFIG_REFERENCE, "did you mean echo?"}}},
	{"no plugin stands in for itself",
	 "whitelist: {file: w}\nplugins:\n- name: a\n  executable: e\n  on_unavailable: a\n",
	 {{5, ERR_CONFIG_CONFLICT, "for itself"}}},
	{"a disabled plugin does not stand in",
	 PLUGIN "- {name: b, executable: e, enabled: false}\n"
		"- name: c\n  executable: e\n  on_unavailable: b\n",
	 {{7, ERR_CONFIG_CONFLICT, "disabled"}}},
	{"no plugins stand in for each other",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, on_unavailable: b}\n"
	 "- {name: b, executable: e, on_unavailable: a}\n",
	 {{3, ERR_CONFIG_CONFLICT, "circle"}, {4, ERR_CONFIG_CONFLICT, "circle"}}},
	{"no circle of stand-ins, and who only leads there has no part in it",
	 "whitelist: {file: w}\nplugins:\n- {name: a, executable: e, on_unavailable: b}\n"
	 "- {name: b, executable: e, on_unavailable: c}\n"
	 "- {name: c, executable: e, on_unavailable: d}\n"
	 "- {name: d, executable: e, on_unavailable: b}\n",
	 {{4, ERR_CONFIG_CONFLICT, "\"d\""},
	  {5, ERR_CONFIG_CONFLICT, "\"b\""},
	  {6, ERR_CONFIG_CONFLICT, "\"c\""}}},
	{"a stand-in is a name",
	 PLUGIN "- {name: b, executable: e, on_unavailable: \"a b\"}\n",
	 {{4, ERR_CONFIG_TYPE, "not a name"}}},

	/* ---- routes ---- */
	{"a route needs a path and somewhere to lead",
	 PLUGIN "routes:\n- methods: GET\n",
	 {{5, ERR_CONFIG_MISSING, "path is missing"},
	  {5, ERR_CONFIG_MISSING, "leads nowhere; add plugin or static or redirect"}}},
	{"a route's plugin must exist",
	 PLUGIN "routes:\n- path: /a\n  plugin: ehco\n",
	 {{6, ERR_CONFIG_REFERENCE, "did you mean echo?"}}},
	{"a route may lead to a disabled plugin",
	 "plugins:\n- {name: a, executable: e, enabled: false}\nroutes:\n- {path: /, plugin: a}\n",
	 {{0}}},
	{"a route leads to files in place of a plugin, by a map or by the directory alone",
	 "routes:\n- {path: /*file, static: /srv}\n"
	 "- {path: /a/*file, static: {directory: /srv, index: [], fallback: /i.html,\n"
	 "   cache_control: no-cache, precompressed: [zstd, br], symlinks: refuse}}\n",
	 {{0}}},
	{"a route does not lead to both",
	 PLUGIN "routes:\n- path: /*file\n  plugin: echo\n  static: /srv\n",
	 {{5, ERR_CONFIG_CONFLICT, "plugin and static at once"}}},
	{"files have names, and settings of calls are not theirs",
	 "routes:\n- path: /a\n  static: /srv\n  rpc: a/B\n  timeout: 5s\n",
	 {{2, ERR_CONFIG_RANGE, "/assets/*file"},
	  {4, ERR_CONFIG_CONFLICT, "for plugins"},
	  {5, ERR_CONFIG_CONFLICT, "for plugins"}}},
	{"settings of files belong to a directory",
	 PLUGIN "routes:\n- path: /*file\n  plugin: echo\n  static: {index: [a]}\n",
	 {{7, ERR_CONFIG_CONFLICT, "add static.directory"}}},
	{"settings of files are held to what they are",
	 "routes:\n- path: /*file\n  static:\n    directory: /srv\n    index: [a/b]\n"
	 "    fallback: index.html\n    precompressed: [gzip, deflate]\n    symlinks: never\n"
	 "    cache_control: \"a\\nb\"\n",
	 {{5, ERR_CONFIG_TYPE, "name of a file"},
	  {6, ERR_CONFIG_TYPE, "/index.html"},
	  {7, ERR_CONFIG_TYPE, "br, gzip or zstd"},
	  {8, ERR_CONFIG_TYPE, "refuse"},
	  {9, ERR_CONFIG_TYPE, "can't be sent"}}},
	{"a method in lower case is refused",
	 PLUGIN "routes:\n- {path: /, plugin: echo, method: get}\n",
	 {{5, ERR_CONFIG_TYPE, "upper case"}}},
	{"a method that is no token is refused",
	 PLUGIN "routes:\n- {path: /, plugin: echo, method: \"GET POST\"}\n",
	 {{5, ERR_CONFIG_TYPE, "method"}}},
	{"an empty list of methods is refused",
	 PLUGIN "routes:\n- {path: /, plugin: echo, methods: []}\n",
	 {{5, ERR_CONFIG_RANGE, "empty list"}}},
	{"method and methods contradict each other",
	 PLUGIN "routes:\n- path: /\n  plugin: echo\n  method: GET\n  methods: [PUT]\n",
	 {{8, ERR_CONFIG_CONFLICT, "line 7"}}},
	{"an RPC has a service and a method",
	 PLUGIN "routes:\n- {path: /, plugin: echo, rpc: Echo}\n",
	 {{5, ERR_CONFIG_TYPE, "service/method"}}},
	{"an RPC with two slashes is refused",
	 PLUGIN "routes:\n- {path: /, plugin: echo, rpc: a/b/c}\n",
	 {{5, ERR_CONFIG_TYPE, "service/method"}}},
	{"a path begins with a slash",
	 PLUGIN "routes:\n- {path: users, plugin: echo}\n",
	 {{5, ERR_CONFIG_RANGE, "\"/\""}}},
	{"a path goes on after its rest",
	 PLUGIN "routes:\n- {path: /*a/b, plugin: echo}\n",
	 {{5, ERR_CONFIG_RANGE, "goes on after"}}},
	{"two routes for the same requests are refused",
	 PLUGIN "routes:\n- {path: /:a, plugin: echo}\n- {path: /:b, plugin: echo}\n",
	 {{6, ERR_CONFIG_CONFLICT, "line 5"}}},
	{"plugd's own pages can't be routed",
	 PLUGIN "routes:\n- {path: /health/live, plugin: echo}\n- {path: /rpc/*x, plugin: echo}\n",
	 {{5, ERR_CONFIG_CONFLICT, "plugd itself"}, {6, ERR_CONFIG_CONFLICT, "plugd itself"}}},

	/* ---- all at once ---- */
	{"errors come by line, those without one last",
	 "plugins:\n- {name: a, executable: e}\nlisten: x\nhttp: {a: 1}\nlog: {level: x}\n",
	 {{3, ERR_CONFIG_TYPE, "listen"},
	  {4, ERR_CONFIG_UNKNOWN_KEY, "\"a\""},
	  {5, ERR_CONFIG_TYPE, "level"},
	  {0, ERR_CONFIG_MISSING, "whitelist"}}},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void check_error(const struct config_error *error, const struct expected *expected)
{
	char *place = expected->line > 0 ? mem_printf("f.yaml:%u: ", expected->line)
					 : mem_strdup("f.yaml: ");

	if (strncmp(error->text, place, strlen(place)) != 0 || error->code != expected->code ||
	    error->line != expected->line || !strstr(error->text, expected->says))
		fail_msg("\"%s\" [%d] is not line %u, code %d, \"%s\"", error->text, error->code,
			 expected->line, expected->code, expected->says);
	free(place);
}

static void check_row(void **state)
{
	const struct row *row = *state;
	struct config_errors errors = {0};
	struct config config;
	size_t count = 0;

	int result = config_parse(str_from(row->yaml), "f.yaml", "/dir", NULL, &config, &errors);
	while (row->errors[count].says)
		count++;
	for (size_t i = 0; i < errors.count && i < count; i++)
		check_error(&errors.items[i], &row->errors[i]);
	if (errors.count > count)
		fail_msg("unexpected: %s", errors.items[count].text);
	assert_int_equal(errors.count, count);
	assert_int_equal(result<0, count> 0);
	config_errors_free(&errors);
	config_free(&config);
}

int main(void)
{
	struct CMUnitTest tests[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL,
					       (void *)(uintptr_t)&rows[i]};
	return _cmocka_run_group_tests("config_load", tests, ROWS, NULL, NULL);
}
