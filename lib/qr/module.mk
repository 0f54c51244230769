# lib/qr
noinst_LIBRARIES += %D%/libqr.a
%C%_libqr_a_SOURCES =
