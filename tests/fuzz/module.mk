# tests/fuzz: one target for each parser of untrusted bytes; seeds in corpus/NAME.
# Two lines a target. A plain build links replay.c, which feeds the corpus once; a build with
# --enable-fuzzing links libFuzzer. scripts/test fuzzes each for some seconds (tests/fuzz/smoke).
#
#   check_PROGRAMS += %D%/fuzz_NAME
#   %C%_fuzz_NAME_SOURCES = %D%/fuzz_NAME.c
check_LIBRARIES = %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c %D%/fuzz.h
