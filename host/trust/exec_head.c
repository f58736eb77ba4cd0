/* The first bytes of an executable, read the way the kernel does (fs/binfmt_script.c,
 * fs/binfmt_elf.c). exec.c asks which interpreter to pin, and why the kernel said no. It trusts no
 * offset and owns nothing. */
#include "trust/exec_head.h"

#include <elf.h>
#include <link.h>

#define LINE_BYTES 255 /* of a #! line: BINPRM_BUF_SIZE - 1 */

/* ---- scripts ---- */

static struct str first_line(struct str head)
{
	const char *end = memchr(head.data, '\n', head.len);

	return end ? (struct str){head.data, (size_t)(end - head.data)} : head;
}

static size_t word_length(struct str text)
{
	size_t len = 0;

	while (len < text.len && text.data[len] != ' ' && text.data[len] != '\t')
		len++;
	return len;
}

static const char *check_line(struct str line, struct str interpreter)
{
	if (line.len > LINE_BYTES)
		return "its first line is longer than 255 characters, which the kernel cuts off";
	if (memchr(line.data, '\0', line.len))
		return "its first line has a NUL in it";
	if (line.data[line.len - 1] == '\r')
		return "its first line ends in a carriage return; save it with Unix line ends";
	if (interpreter.len == 0)
		return "its first line names no interpreter after '#!'";
	if (interpreter.data[0] != '/')
		return "its interpreter must be an absolute path, such as #!/usr/bin/python3";
	return NULL;
}

bool exec_head_script(struct str head, struct exec_script *out, const char **wrong_out)
{
	struct str line;
	struct str text;

	if (head.len < 2 || head.data[0] != '#' || head.data[1] != '!')
		return false;
	line = first_line(head);
	text = str_trim((struct str){line.data + 2, line.len - 2});
	out->interpreter = (struct str){text.data, word_length(text)};
	out->argument = str_trim(
		(struct str){text.data + out->interpreter.len, text.len - out->interpreter.len});
	*wrong_out = check_line(line, out->interpreter);
	return true;
}

/* ---- ELF ---- */

static bool read_header(struct str head, ElfW(Ehdr) * out)
{
	if (head.len < sizeof(*out) || !exec_head_is_elf(head))
		return false;
	memcpy(out, head.data, sizeof(*out));
	return out->e_ident[EI_CLASS] == (__ELF_NATIVE_CLASS == 64 ? ELFCLASS64 : ELFCLASS32);
}

bool exec_head_is_elf(struct str head)
{
	return head.len >= EI_NIDENT && memcmp(head.data, ELFMAG, SELFMAG) == 0;
}

const char *exec_head_machine(struct str head)
{
	static const struct {
		unsigned machine;
		const char *name;
	} rows[] = {{EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},
		    {EM_ARM, "arm"},	   {EM_RISCV, "riscv64"},   {EM_PPC64, "ppc64le"},
		    {EM_S390, "s390x"}};
	unsigned machine;

	if (head.len < offsetof(Elf32_Ehdr, e_version) || !exec_head_is_elf(head))
		return NULL;
	/* e_machine has the same place in both classes; its bytes follow the program's own
	 * order. */
	machine = (uint8_t)head.data[18] | (unsigned)(uint8_t)head.data[19] << 8;
	if (head.data[EI_DATA] == ELFDATA2MSB)
		machine = (uint8_t)head.data[19] | (unsigned)(uint8_t)head.data[18] << 8;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].machine == machine)
			return rows[i].name;
	}
	return NULL;
}

struct str exec_head_loader(struct str head)
{
	ElfW(Ehdr) header;

	if (!read_header(head, &header))
		return (struct str){NULL, 0};
	for (size_t i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) segment;
		size_t skip = i * sizeof(segment);

		if (header.e_phoff > head.len || head.len - header.e_phoff < skip ||
		    head.len - header.e_phoff - skip < sizeof(segment))
			break;
		memcpy(&segment, head.data + header.e_phoff + skip, sizeof(segment));
		if (segment.p_type != PT_INTERP || segment.p_offset >= head.len)
			continue;
		struct str rest = {head.data + segment.p_offset, head.len - segment.p_offset};
		const char *end = memchr(rest.data, '\0', rest.len);
		if (end)
			return (struct str){rest.data, (size_t)(end - rest.data)};
	}
	return (struct str){NULL, 0};
}
