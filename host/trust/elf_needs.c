/* The dynamic section by libelf. The file may be made to hurt: every offset and length goes through
 * libelf or pread(), and everything is counted. Called by loader.c. */
#include "trust/elf_needs.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "observe/errors.h"

#define MAX_NEEDED  256
#define MAX_TEXT    4096 /* of a name or a search path */
#define MAX_HEADERS 256

/* Where the dynamic section says that its texts are. */
struct section {
	Elf *elf;
	int fd;
	size_t headers;
	GElf_Phdr dynamic;
	uint64_t strings; /* offset in the file; 0: none */
};

static int refuse(struct err *err, const char *path, const char *why)
{
	return err_set(err, ERR_LIBRARY_UNKNOWN, "what '%s' loads can't be told: %s", path, why);
}

/* A terminated text of the file. Returns owned; NULL when it doesn't end. */
static char *read_text(int fd, uint64_t offset)
{
	char text[MAX_TEXT];
	ssize_t len = pread(fd, text, sizeof(text), (off_t)offset);

	if (len <= 0 || !memchr(text, '\0', (size_t)len))
		return NULL;
	return mem_strdup(text);
}

static uint64_t offset_of(const struct section *section, uint64_t address)
{
	for (size_t i = 0; i < section->headers; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(section->elf, (int)i, &header) && header.p_type == PT_LOAD &&
		    address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
			return header.p_offset + (address - header.p_vaddr);
	}
	return 0;
}

static int find_headers(struct section *section, const char *path, struct elf_needs *out,
			struct err *err)
{
	if (elf_getphdrnum(section->elf, &section->headers) < 0 || section->headers > MAX_HEADERS)
		return refuse(err, path, "its program headers are broken");
	for (size_t i = 0; i < section->headers; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(section->elf, (int)i, &header))
			return refuse(err, path, "its program headers are broken");
		if (header.p_type == PT_DYNAMIC)
			section->dynamic = header;
		if (header.p_type != PT_INTERP || out->loader)
			continue;
		out->loader = read_text(section->fd, header.p_offset);
		if (!out->loader)
			return refuse(err, path, "the name of its loader is broken");
	}
	return 0;
}

/* Tags by which more is loaded than what is needed. */
static const char *odd_name(int64_t tag)
{
	static const struct {
		int64_t tag;
		const char *name;
	} rows[] = {{DT_AUXILIARY, "DT_AUXILIARY"},
		    {DT_FILTER, "DT_FILTER"},
		    {0x6ffffefc /* DT_AUDIT */, "DT_AUDIT"},
		    {0x6ffffefb /* DT_DEPAUDIT */, "DT_DEPAUDIT"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].tag == tag)
			return rows[i].name;
	}
	return NULL;
}

static bool take_tag(const struct section *section, const GElf_Dyn *tag, size_t *count,
		     struct elf_needs *out)
{
	char **text = NULL;

	if (tag->d_tag == DT_NEEDED && *count < MAX_NEEDED)
		text = &out->needed[(*count)++];
	else if (tag->d_tag == DT_NEEDED)
		return false;
	else if (tag->d_tag == DT_RPATH && !out->rpath)
		text = &out->rpath;
	else if (tag->d_tag == DT_RUNPATH && !out->runpath)
		text = &out->runpath;
	if (tag->d_tag == DT_FLAGS_1 && (tag->d_un.d_val & DF_1_NODEFLIB))
		out->no_default = true;
	if (odd_name(tag->d_tag))
		out->odd = odd_name(tag->d_tag);
	if (text)
		*text = read_text(section->fd, section->strings + tag->d_un.d_val);
	return !text || *text;
}

static int read_tags(struct section *section, const char *path, struct elf_needs *out,
		     struct err *err)
{
	Elf_Data *data = elf_getdata_rawchunk(section->elf, (int64_t)section->dynamic.p_offset,
					      section->dynamic.p_filesz, ELF_T_DYN);
	size_t count = 0;
	GElf_Dyn tag;

	if (!data)
		return refuse(err, path, "its dynamic section is broken");
	for (int i = 0; gelf_getdyn(data, i, &tag) && tag.d_tag != DT_NULL; i++) {
		if (tag.d_tag == DT_STRTAB)
			section->strings = offset_of(section, tag.d_un.d_ptr);
	}
	for (int i = 0; gelf_getdyn(data, i, &tag) && tag.d_tag != DT_NULL; i++) {
		if (!take_tag(section, &tag, &count, out))
			return refuse(err, path, "its dynamic section is broken");
	}
	return 0;
}

static int read_elf(struct section *section, const char *path, struct elf_needs *out,
		    struct err *err)
{
	GElf_Ehdr header;
	int rc;

	if (elf_kind(section->elf) != ELF_K_ELF)
		return 0;
	if (!gelf_getehdr(section->elf, &header))
		return refuse(err, path, "its head is broken");
	out->is_elf = true;
	out->machine = header.e_machine;
	out->bits = gelf_getclass(section->elf) == ELFCLASS64 ? 64 : 32;
	rc = find_headers(section, path, out, err);
	if (rc == 0 && section->dynamic.p_type == PT_DYNAMIC)
		rc = read_tags(section, path, out, err);
	return rc;
}

int elf_needs_read(int fd, const char *path, struct elf_needs *out, struct err *err)
{
	struct section section = {.fd = fd};
	int rc;

	*out = (struct elf_needs){.needed = mem_array(MAX_NEEDED + 1, sizeof(char *))};
	elf_version(EV_CURRENT);
	section.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!section.elf)
		return refuse(err, path, "it can't be read");
	rc = read_elf(&section, path, out, err);
	elf_end(section.elf);
	return rc;
}

void elf_needs_deinit(struct elf_needs *needs)
{
	for (size_t i = 0; needs->needed && needs->needed[i]; i++)
		free(needs->needed[i]);
	free(needs->needed);
	free(needs->loader);
	free(needs->rpath);
	free(needs->runpath);
	*needs = (struct elf_needs){.is_elf = false};
}
