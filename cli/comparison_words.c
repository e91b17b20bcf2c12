/* cli/comparison_words.c - see comparison_words.h. */
#include "cli/comparison_words.h"

#include "sweep/compared_words.h"

#include <string.h>

#define WIDTH_MOST 100
#define SENTENCE_BYTES 4096
#define INDENT 4

void comparison_print_sentence(FILE *out, const char *sentence, size_t indent)
{
    const char *rest = sentence;
    size_t room = WIDTH_MOST;
    while (strlen(rest) > room) {
        size_t length = room;
        while (length > 0 && (rest[length] != ' ' || rest[length + 1] == '%'))
            length--; /* "39 %" stays together */
        if (length == 0)
            length = strcspn(rest, " ");
        fprintf(out, "%.*s\n%*s", (int)length, rest, (int)indent, "");
        rest += length + strspn(rest + length, " ");
        room = WIDTH_MOST - indent;
    }
    fprintf(out, "%s\n", rest);
}

struct printer {
    FILE *out;
    enum words_of of; /* of the sentence before */
};

static void print_words(void *context, enum words_of of, const char *subject, const char *sentence)
{
    struct printer *printer = context;
    char text[SENTENCE_BYTES];
    snprintf(text, sizeof text, "%s%s%s", subject, subject[0] != '\0' ? ": " : "", sentence);
    if (of != printer->of)
        fputc('\n', printer->out);
    printer->of = of;
    comparison_print_sentence(printer->out, text, INDENT);
}

void comparison_print_words(FILE *out, const struct compared *compared)
{
    struct printer printer = { out, WORDS_POLICY };
    compared_words(compared, print_words, &printer);
    fprintf(out, "\n");
}
