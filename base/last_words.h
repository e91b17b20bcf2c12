/* base/last_words.h - an end of the process for what no caller can be told: from any thread, whatever it holds, beside
 * threads that go on. */
#ifndef REPRISE_BASE_LAST_WORDS_H
#define REPRISE_BASE_LAST_WORDS_H

/* Writes "reprise: WORDS" to standard error, removes scratch folders and ends with exit code 3. Of several threads that
 * come here the first one is heard. Allocates nothing. */
_Noreturn void last_words(const char *words);

#endif
