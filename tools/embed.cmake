# Writes files into a C source as one list of base/embedded.h:
#   cmake -D LIST=name -D OUT=file.c -D FILES=a,b,c -P embed.cmake
string(REPLACE "," ";" files "${FILES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${number}[] = {${bytes}0};\n")
  string(APPEND rows "    { \"${name}\", file_${number}, sizeof file_${number} - 1 },\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by tools/embed.cmake. */
#include \"base/embedded.h\"

extern const struct embedded_file ${LIST}[];
${arrays}
const struct embedded_file ${LIST}[] = {
${rows}    { 0 },
};
")
