# broker/posture
noinst_LIBRARIES += %D%/libposture.a
%C%_libposture_a_SOURCES =
