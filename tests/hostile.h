/* tests/hostile.h - names that strangers might give to things: each would do something if it were ever taken for more than
 * text. CANARY is a file that commands in them would make in the current folder; with an operand it stands in C strings.
 * Kept here for all tests; tests/security plants each as the name of everything that has one. */
#ifndef REPRISE_TESTS_HOSTILE_H
#define REPRISE_TESTS_HOSTILE_H

#define CANARY "CANARY"

/* X(what it is, the text) */
#define HOSTILE(X) \
    X("a shell in a new line", "a\nsystem(\"touch " CANARY "\")\n") \
    X("a shell behind a carriage return", "a\r\nsystem('touch " CANARY "')\r\nb") \
    X("a shell behind a double quote", "\";system(\"touch " CANARY "\");a=\"") \
    X("a shell behind a single quote", "';system('touch " CANARY "');a='") \
    X("a shell behind single quotes in a row", "x'';system('touch " CANARY "');a=''y") \
    X("quotes in front", "'''") \
    X("a backslash at the end", "a\\") \
    X("a backslash and a quote", "\\\";system(\"touch " CANARY "\");#") \
    X("an octal number before a digit", "\\0421\\42\"1") \
    X("backquotes", "`touch " CANARY "`") \
    X("dollars", "$(touch " CANARY ") ${HOME} $x") \
    X("a pipe as a file's name", "|touch " CANARY) \
    X("a pipe to be read", "<touch " CANARY) \
    X("a macro", "@scripts @ARG1") \
    X("marks of enhanced text", "{/:Bold=40 a}_{b}^{c}&{d}~{e}@f") \
    X("formats of printf", "%n%n%s%s%1$n 100% %%") \
    X("a block of data", "\nEND\nEOD\nsystem 'touch " CANARY "'") \
    X("a comment", "a # b") \
    X("an open brace", "{ {") \
    X("an element of HTML", "<script>document.title='" CANARY "'</script>") \
    X("an attribute of HTML", "\" onmouseover=\"document.title='" CANARY "'\" x='") \
    X("an end of a script", "</script><img src=x onerror=\"document.title='" CANARY "'\">") \
    X("an end of a title", "</title><script>document.title='" CANARY "'</script>") \
    X("an end of CDATA", "]]></text><script>document.title='" CANARY "'</script><![CDATA[") \
    X("an entity", "&lt;b&gt; &#x3c;i>") \
    X("a comment of HTML", "<!--<script>") \
    X("Markdown", "![x](http://localhost:1/" CANARY ") | a | `b`\n# c") \
    X("SQL", "x'); DROP TABLE run; --") \
    X("JSON", "\"],\"x\":{\"y\":[") \
    X("YAML", "a: &b [*b, !c d]\n- e") \
    X("a path upwards", "../../../../etc/passwd") \
    X("a formula", "=HYPERLINK(\"http://localhost:1/" CANARY "\")") \
    X("a formula of a command", "@SUM(1+1)*cmd|' /C calc'!A0") \
    X("terminal: colours", "\x1b[31mred\x1b[0m") \
    X("terminal: title and clipboard", "\x1b]0;" CANARY "\x07\x1b]52;c;dG91Y2g=\x1b\\") \
    X("terminal: erasing", "real\x1b[2K\x1b[1Gforged\b\b\b\x7f") \
    X("terminal: C1 as UTF-8", "\xc2\x9b" "31mred\xc2\x9d" "0;x\xc2\x9c\xc2\x85") \
    X("terminal: C1 as bytes", "\x9b" "31mred\x9d") \
    X("turned writing", "abc\xe2\x80\xae" "txt.exe\xe2\x80\xac\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c") \
    X("separators of lines", "a\xe2\x80\xa8" "b\xe2\x80\xa9" "c\vd\fe") \
    X("bytes that are no UTF-8", "\xff\xfe\xc3(\xa0\xa1\xe2\x82") \
    X("overlong and surrogates", "\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf5\x80\x80\x80") \
    X("noncharacters and tags", "\xef\xbf\xbe\xef\xbf\xbf\xf3\xa0\x80\x81\xef\xbb\xbf") \
    X("letters of the world", "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80 \xd7\xa9\xd7\x9c")

#endif
