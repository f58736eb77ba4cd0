/* Media types of what is served from directories: a table of our own, because an answer must not
 * depend on which packages a machine has. Owns nothing; called by static_files.c. */
#include "edge/media_types.h"

#include <stdlib.h>

#define TEXT(type) "text/" type "; charset=utf-8"

/* In the order of the endings, which are in lower case. */
static const struct media_type {
	const char *ending;
	const char *type;
} types[] = {
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apng", "image/apng"},
	{"atom", "application/atom+xml"},
	{"avif", "image/avif"},
	{"bmp", "image/bmp"},
	{"br", "application/x-brotli"},
	{"bz2", "application/x-bzip2"},
	{"cjs", TEXT("javascript")},
	{"css", TEXT("css")},
	{"csv", TEXT("csv")},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"eot", "application/vnd.ms-fontobject"},
	{"epub", "application/epub+zip"},
	{"flac", "audio/flac"},
	{"geojson", "application/geo+json"},
	{"gif", "image/gif"},
	{"gz", "application/gzip"},
	{"htm", TEXT("html")},
	{"html", TEXT("html")},
	{"ico", "image/vnd.microsoft.icon"},
	{"ics", TEXT("calendar")},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", TEXT("javascript")},
	{"json", "application/json"},
	{"jsonld", "application/ld+json"},
	{"jxl", "image/jxl"},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"m4v", "video/mp4"},
	{"map", "application/json"},
	{"md", TEXT("markdown")},
	{"mjs", TEXT("javascript")},
	{"mkv", "video/matroska"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpd", "application/dash+xml"},
	{"odp", "application/vnd.oasis.opendocument.presentation"},
	{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
	{"odt", "application/vnd.oasis.opendocument.text"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"ppt", "application/vnd.ms-powerpoint"},
	{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"rss", "application/rss+xml"},
	{"rtf", "application/rtf"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"ts", "video/mp2t"},
	{"ttf", "font/ttf"},
	{"txt", TEXT("plain")},
	{"vtt", TEXT("vtt")},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json"},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xhtml", "application/xhtml+xml"},
	{"xls", "application/vnd.ms-excel"},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"xml", "application/xml"},
	{"xz", "application/x-xz"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
};

#define ENDING_BYTES 16

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct media_type *)row)->ending);
}

struct str media_type_of(struct str name)
{
	const char *dot = name.len > 0 ? memrchr(name.data, '.', name.len) : NULL;
	size_t len = dot ? name.len - (size_t)(dot - name.data) - 1 : ENDING_BYTES;
	const struct media_type *found = NULL;
	char ending[ENDING_BYTES] = "";

	for (size_t i = 0; i < len && len < ENDING_BYTES; i++) {
		char c = dot[1 + i];

		ending[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	if (ending[0])
		found = bsearch(ending, types, sizeof(types) / sizeof(types[0]), sizeof(types[0]),
				compare);
	return found ? str_from(found->type) : STR_LITERAL("application/octet-stream");
}
