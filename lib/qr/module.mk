# lib/qr: QR codes as SVG and half blocks. May use base.
noinst_LIBRARIES += %D%/libqr.a
%C%_libqr_a_SOURCES = %D%/qr.h
