# broker/control: a table a peer: devices, connectors, relays. See tests/lint/layers.txt.
noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = %D%/control.h
