# cmake -DIN=file.cl -DOUT=file.c -DSYMBOL=kernel_bytes_N -P embed.cmake: the file's bytes as a C array.
# An array and not a string literal: C compilers need not take strings beyond 4,095 bytes.
file(READ "${IN}" hex HEX)
if(hex STREQUAL "")
  message(FATAL_ERROR "${IN} is empty")
endif()
string(REPEAT "[0-9a-f]" 32 line)
string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE "${OUT}" "#include \"kernels.h\"\n\nconst unsigned char ${SYMBOL}[] = {\n${hex}\n};\nconst size_t ${SYMBOL}_len = sizeof ${SYMBOL};\n")
