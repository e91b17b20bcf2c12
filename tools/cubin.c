/* tools/cubin.c - see cubin.h. */
#include "tools/cubin.h"

#include "base/memory.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { MACHINE_CUDA = 190 };
enum { RESERVED_SHARED = 1024 }; /* by CUDA for itself; counted as the kernel's from sm_90 on */

/* ---- names ---- */

/* Of libstdc++ (abi::__cxa_demangle); C has no header for it. */
char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);

/* In place: every `from` becomes `to`, which is no longer. */
static void replace(char *text, const char *from, const char *to)
{
    for (char *at = text; (at = strstr(at, from)) != NULL; at += strlen(to)) {
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        memcpy(at, to, strlen(to)); /* NOLINT(bugprone-not-null-terminated-result): the text goes on */
    }
}

/* "void f<__nv_bfloat16, 128u>(kernel_attention, ...)" becomes "f<bf16, 128>". */
static char *short_name(const char *mangled)
{
    int status = 0;
    char *name = __cxa_demangle(mangled, NULL, NULL, &status);
    if (name == NULL)
        return memory_text(mangled);
    replace(name, "void ", "");
    replace(name, "__nv_bfloat16", "bf16");
    replace(name, "__half", "fp16");
    replace(name, "(rotation)0", "none");
    replace(name, "(rotation)1", "halves");
    replace(name, "(rotation)2", "pairs");
    for (char *digit = name; *digit != '\0'; digit++) /* 128u */
        if (*digit >= '0' && *digit <= '9' && digit[1] == 'u')
            memmove(digit + 1, digit + 2, strlen(digit + 2) + 1);
    int depth = 0;
    for (char *at = name; *at != '\0'; at++) {
        depth += *at == '<' ? 1 : *at == '>' ? -1 : 0;
        if (depth == 0 && *at == '(')
            *at-- = '\0';
    }
    return name;
}

/* ---- one cubin ---- */

struct elf {
    const uint8_t *bytes;
    const Elf64_Shdr *sections;
    uint32_t count;
    const char *names;
};

static const Elf64_Shdr *section_of(const struct elf *elf, const char *prefix, const char *name)
{
    for (uint32_t i = 0; i < elf->count; i++) {
        const char *its = elf->names + elf->sections[i].sh_name;
        if (strncmp(its, prefix, strlen(prefix)) == 0 && strcmp(its + strlen(prefix), name) == 0)
            return &elf->sections[i];
    }
    return NULL;
}

static const char *symbol_name(const struct elf *elf, uint32_t index)
{
    const Elf64_Shdr *symbols = section_of(elf, ".symtab", "");
    const Elf64_Shdr *strings = section_of(elf, ".strtab", "");
    if (symbols == NULL || strings == NULL || index >= symbols->sh_size / sizeof(Elf64_Sym))
        return "";
    Elf64_Sym symbol; /* copied: nothing says that the table is aligned */
    memcpy(&symbol, elf->bytes + symbols->sh_offset + index * sizeof symbol, sizeof symbol);
    return (const char *)elf->bytes + strings->sh_offset + symbol.st_name;
}

enum { /* of .nv.info */
       FORMAT_SIZED = 4,
       MAX_THREADS = 0x05, /* three numbers: x, y, z */
       FRAME_SIZE = 0x11,  /* (symbol, bytes) */
       REGISTERS = 0x2f    /* (symbol, number) */
};

/* Attributes of one kernel in a section: its own, or the one that all share. */
static void read_attributes(const struct elf *elf, const Elf64_Shdr *section, const char *name,
                            struct cubin_kernel *kernel)
{
    if (section == NULL)
        return;
    const uint8_t *at = elf->bytes + section->sh_offset, *end = at + section->sh_size;
    while (at + 4 <= end) {
        uint32_t size = (uint32_t)(at[2] | at[3] << 8), values[3] = { 0 };
        const uint8_t format = at[0], attribute = at[1];
        at += 4;
        if (format != FORMAT_SIZED)
            continue;
        memcpy(values, at, size < sizeof values ? size : sizeof values);
        at += size;
        if (attribute == MAX_THREADS)
            kernel->threads = values[0] * values[1] * values[2];
        bool its = strcmp(symbol_name(elf, values[0]), name) == 0;
        if (attribute == REGISTERS && its)
            kernel->registers = values[1];
        if (attribute == FRAME_SIZE && its)
            kernel->stack_bytes = values[1];
    }
}

static void add_kernel(const struct elf *elf, const Elf64_Shdr *text, const char *name,
                       struct cubin_kernel like, struct cubins *out)
{
    struct cubin_kernel kernel = like;
    const Elf64_Shdr *shared = section_of(elf, ".nv.shared.", name);
    kernel.name = short_name(name);
    kernel.code = elf->bytes + text->sh_offset;
    kernel.instructions = text->sh_size / 16;
    kernel.shared_bytes = shared == NULL ? 0 : shared->sh_size;
    if (like.architecture >= 90 && kernel.shared_bytes >= RESERVED_SHARED)
        kernel.shared_bytes -= RESERVED_SHARED;
    read_attributes(elf, section_of(elf, ".nv.info", ""), name, &kernel);
    read_attributes(elf, section_of(elf, ".nv.info.", name), name, &kernel);
    memory_grow(&out->kernels, &out->capacity, out->count + UINT64_C(1), sizeof *out->kernels);
    out->kernels[out->count++] = kernel;
}

/* `bytes` is aligned to 8, as fat binaries align what they hold. */
static bool read_cubin(const uint8_t *bytes, uint64_t size, struct cubin_kernel like,
                       struct cubins *out)
{
    const Elf64_Ehdr *header = (const void *)bytes;
    if (size < sizeof *header || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
        header->e_machine != MACHINE_CUDA || header->e_shoff % sizeof(uint64_t) != 0 ||
        header->e_shoff + (uint64_t)header->e_shnum * sizeof(Elf64_Shdr) > size)
        return false;
    struct elf elf = { .bytes = bytes,
                       .sections = (const void *)(bytes + header->e_shoff),
                       .count = header->e_shnum };
    if (like.architecture == 0) /* where no fat binary says it */
        like.architecture = header->e_flags >> 8 & 0xff;
    elf.names = (const char *)bytes + elf.sections[header->e_shstrndx].sh_offset;
    for (uint32_t i = 0; i < elf.count; i++)
        if (elf.sections[i].sh_type != SHT_NOBITS &&
            elf.sections[i].sh_offset + elf.sections[i].sh_size > size)
            return false;
    for (uint32_t i = 0; i < elf.count; i++) {
        const char *name = elf.names + elf.sections[i].sh_name;
        if (strncmp(name, ".text.", 6) == 0)
            add_kernel(&elf, &elf.sections[i], name + 6, like, out);
    }
    return true;
}

/* ---- a file ---- */

struct fat_header { /* fatBinaryHeader */
    uint32_t magic;
    uint16_t version, header_bytes;
    uint64_t bytes; /* behind it */
};

struct fat_entry {
    uint16_t kind, version; /* kind: 1 PTX, 2 a cubin */
    uint32_t header_bytes;
    uint64_t bytes;            /* behind this header */
    uint32_t compressed_bytes; /* of them */
    uint32_t options_offset;
    uint16_t minor, major;
    uint32_t architecture, name_offset, name_bytes;
    uint64_t flags, reserved, unpacked_bytes;
};
#define FAT_MAGIC UINT32_C(0xba55ed50)
enum { KIND_CUBIN = 2 };
enum { FAT_LZ4 = 0x2000, FAT_ZSTD = 0x8000, FAT_SPECIFIC = 0x100000 }; /* flags */

static bool read_packed(const uint8_t *bytes, const struct fat_entry *entry,
                        struct cubin_kernel like, struct cubins *out)
{
    uint8_t *cubin = memory_new(1, entry->unpacked_bytes);
    memory_grow(&out->unpacked, &out->unpacked_capacity, out->unpacked_count + UINT64_C(1),
                sizeof *out->unpacked);
    out->unpacked[out->unpacked_count++] = cubin;
    if (entry->compressed_bytes > entry->bytes ||
        ZSTD_decompress(cubin, entry->unpacked_bytes, bytes, entry->compressed_bytes) !=
            entry->unpacked_bytes)
        return false;
    return read_cubin(cubin, entry->unpacked_bytes, like, out);
}

/* `bytes` is aligned to 8, and so is what lies in it. */
static bool read_fat_binary(const uint8_t *bytes, uint64_t size, struct cubins *out)
{
    for (uint64_t at = 0; at + sizeof(struct fat_entry) <= size;) {
        struct fat_entry entry;
        memcpy(&entry, bytes + at, sizeof entry);
        if (entry.header_bytes < sizeof entry || entry.header_bytes > size - at ||
            entry.bytes > size - at - entry.header_bytes)
            return false;
        const uint8_t *content = bytes + at + entry.header_bytes;
        const struct cubin_kernel like = { .architecture = entry.architecture,
                                           .specific = entry.flags & FAT_SPECIFIC };
        at += entry.header_bytes + entry.bytes;
        if (entry.kind != KIND_CUBIN)
            continue;
        if ((entry.flags & FAT_LZ4) != 0)
            out->unread++;
        else if (!((entry.flags & FAT_ZSTD) != 0 ? read_packed(content, &entry, like, out)
                                                 : read_cubin(content, entry.bytes, like, out)))
            return false;
    }
    return true;
}

static enum status read_file(const char *path, uint8_t **bytes, uint64_t *size, struct error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        enum status status = error_io(err, path, "read", strerror(errno));
        if (file != NULL)
            fclose(file);
        return status;
    }
    *size = (uint64_t)ftell(file);
    *bytes = memory_new(1, *size);
    rewind(file);
    uint64_t got = fread(*bytes, 1, *size, file);
    fclose(file);
    return got == *size ? STATUS_OK : error_io(err, path, "read", "it is shorter than it was");
}

/* Fat binaries are found by their magic, wherever they lie, and moved to where 8 bytes are aligned,
 * since archives align less. */
enum status cubins_read(const char *path, struct cubins *out, struct error *err)
{
    uint64_t size = 0;
    *out = (struct cubins){ 0 };
    if (read_file(path, &out->file, &size, err) != STATUS_OK)
        return err->status;
    bool whole = true;
    if (size > SELFMAG && memcmp(out->file, ELFMAG, SELFMAG) == 0 &&
        ((const Elf64_Ehdr *)(const void *)out->file)->e_machine == MACHINE_CUDA)
        whole = read_cubin(out->file, size, (struct cubin_kernel){ 0 }, out);
    for (uint64_t at = 0; whole && at + sizeof(struct fat_header) < size; at++) {
        struct fat_header header;
        memcpy(&header, out->file + at, sizeof header);
        if (header.magic != FAT_MAGIC || header.version != 1 ||
            header.header_bytes != sizeof header || header.bytes > size - at - sizeof header)
            continue;
        uint8_t *aligned = out->file + at / 8 * 8;
        memmove(aligned, out->file + at + sizeof header, header.bytes);
        whole = read_fat_binary(aligned, header.bytes, out);
        at += sizeof header + header.bytes - 1;
    }
    return whole ? STATUS_OK
                 : error_input(err, path, 0, NULL, "whole cubins", "one that is cut off");
}

void cubins_free(struct cubins *cubins)
{
    for (uint32_t i = 0; i < cubins->count; i++)
        free(cubins->kernels[i].name);
    for (uint32_t i = 0; i < cubins->unpacked_count; i++)
        free(cubins->unpacked[i]);
    free(cubins->unpacked);
    free(cubins->kernels);
    free(cubins->file);
}

/* ---- instances ---- */

bool cubin_kernel_is(const struct cubin_kernel *kernel, const char *family)
{
    size_t length = strlen(family);
    return strncmp(kernel->name, family, length) == 0 &&
           (kernel->name[length] == '<' || kernel->name[length] == '\0');
}

uint32_t cubin_kernel_number(const struct cubin_kernel *kernel, uint32_t which)
{
    for (const char *at = strchr(kernel->name, '<'); at != NULL; at = strchr(at + 1, ',')) {
        const char *digit = at + 1 + (at[1] == ' ');
        if (*digit >= '0' && *digit <= '9' && which-- == 0)
            return (uint32_t)strtoul(digit, NULL, 10);
    }
    return 0;
}
