# lib/trust: every signed statement, its claims, made and checked. May use base, crypto.
noinst_LIBRARIES += %D%/libtrust.a
%C%_libtrust_a_SOURCES = \
	%D%/apprec.h %D%/claims.h %D%/enrol.h %D%/grant.h %D%/keyset.h %D%/mint.h %D%/once.h \
	%D%/person.h %D%/proof.h %D%/report.h %D%/stand.h
