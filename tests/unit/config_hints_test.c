/* One fault, one message: nothing follows from the absence of what was refused or misspelt. */
#include "observe/errors.h"
#include "tests/support/config_rows.h"

static const struct config_row rows[] = {
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
	{"a misspelt key is not missing too",
	 "tls: {certificates: [{cert: a, key: b}]}\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "did you mean certificate?"}}},
	{"nor is what an unknown key may have meant",
	 PLUGIN "routes:\n- {path: /a, plugins: echo}\n- {path: /b, redirect: {url: /c}}\n",
	 {{5, ERR_CONFIG_UNKNOWN_KEY, "did you mean plugin?"}, {6, ERR_CONFIG_UNKNOWN_KEY, "url"}}},
	{"nor is the section that it stands in",
	 "http: {auth: [api_key, jwt]}\nidentity: {api_key: k, issuers: []}\n",
	 {{2, ERR_CONFIG_UNKNOWN_KEY, "did you mean api_keys?"},
	  {2, ERR_CONFIG_UNKNOWN_KEY,
	   "\"issuers\" is not a key that plugd knows here; it stands in "
	   "identity.jwt"}}},
	{"nor are keys of tokens",
	 "identity: {jwt: {issuers: [{issuer: a, audiences: a, jwks_uri: b}]}}\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "did you mean jwks_url?"}}},
	{"groups that are no list may have all names",
	 PLUGIN "routes:\n- {path: /a, plugin: echo, group: b}\ngroups: {b: {prefix: /c}}\n",
	 {{6, ERR_CONFIG_TYPE, "write a list"}}},
	{"and plugins likewise",
	 "whitelist: {file: w}\nplugins: {echo: {executable: e}}\nroutes: [{path: /a, plugin: "
	 "echo}]\n",
	 {{2, ERR_CONFIG_TYPE, "write a list"}}},
	{"a key of the top level is known there",
	 "http: {trusted_proxies: [10.0.0.0/8]}\n",
	 {{1, ERR_CONFIG_UNKNOWN_KEY, "it stands on the top level"}}},
	{"a key of one section is known there",
	 PLUGIN "routes:\n- {path: /a, plugin: echo, rate_limit: {by: address}}\n",
	 {{5, ERR_CONFIG_UNKNOWN_KEY, "it stands in http.rate_limit"}}},
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
};

int main(void)
{
	return config_rows_run("config_hints", rows, sizeof(rows) / sizeof(rows[0]));
}
