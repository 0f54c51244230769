# client/login
noinst_LIBRARIES += %D%/liblogin.a
%C%_liblogin_a_SOURCES =
