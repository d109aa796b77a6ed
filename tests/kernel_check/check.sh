#!/bin/sh
# The whole program as it is built (the prelude, then the kernel files by name) through clang as OpenCL C 1.2 with
# warnings as errors, for both kinds of device. Needs no device. Usage: check.sh KERNEL_DIR
set -eu
LC_ALL=C
export LC_ALL
cd "$1"
program() {
    for file in prelude.clh *.cl; do
        echo "#line 1 \"$file\""
        cat "$file"
    done
}

bad=0
for cpu in 0 1; do
    program | clang -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -target spir64 -DDEVICE_CPU=$cpu \
        -fsyntax-only -Wall -Werror - || bad=1
done
[ "$bad" = 0 ] && echo "$(ls ./*.cl | wc -l) kernel files are in order"
exit "$bad"
