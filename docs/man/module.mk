# docs/man: man pages and shell completion, made by the programs from their own command tables.

man_MANS = docs/man/sallyport.1 docs/man/sallyport-admin.1 docs/man/sallyport-broker.8 \
	docs/man/sallyport-relay.8 docs/man/sallyport-connector.8
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = docs/man/bash/sallyport.bash docs/man/bash/sallyport-admin.bash \
	docs/man/bash/sallyport-broker.bash docs/man/bash/sallyport-relay.bash docs/man/bash/sallyport-connector.bash
zshcompletiondir = $(datadir)/zsh/site-functions
zshcompletion_DATA = docs/man/zsh/_sallyport docs/man/zsh/_sallyport-admin \
	docs/man/zsh/_sallyport-broker docs/man/zsh/_sallyport-relay docs/man/zsh/_sallyport-connector
fishcompletiondir = $(datadir)/fish/vendor_completions.d
fishcompletion_DATA = docs/man/fish/sallyport.fish docs/man/fish/sallyport-admin.fish \
	docs/man/fish/sallyport-broker.fish docs/man/fish/sallyport-relay.fish \
	docs/man/fish/sallyport-connector.fish
CLEANFILES += $(man_MANS) $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)

# $(call sp_say,PROGRAM,ARGUMENTS): its words into the target, whole or not at all.
sp_say = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(1) help >/dev/null && $(1) $(2) >$@.new && mv $@.new $@

docs/man/sallyport.1: client/sallyport$(EXEEXT)
	$(call sp_say,client/sallyport,help --man 1)
docs/man/sallyport-admin.1: client/admin/sallyport-admin$(EXEEXT)
	$(call sp_say,client/admin/sallyport-admin,help --man 1)
docs/man/sallyport-broker.8: broker/sallyport-broker$(EXEEXT)
	$(call sp_say,broker/sallyport-broker,help --man 8)
docs/man/sallyport-relay.8: relay/sallyport-relay$(EXEEXT)
	$(call sp_say,relay/sallyport-relay,help --man 8)
docs/man/sallyport-connector.8: connector/sallyport-connector$(EXEEXT)
	$(call sp_say,connector/sallyport-connector,help --man 8)

docs/man/bash/sallyport.bash docs/man/zsh/_sallyport docs/man/fish/sallyport.fish: client/sallyport$(EXEEXT)
	$(call sp_say,client/sallyport,completion $(notdir $(@D)))
docs/man/bash/sallyport-admin.bash docs/man/zsh/_sallyport-admin docs/man/fish/sallyport-admin.fish: client/admin/sallyport-admin$(EXEEXT)
	$(call sp_say,client/admin/sallyport-admin,completion $(notdir $(@D)))
docs/man/bash/sallyport-broker.bash docs/man/zsh/_sallyport-broker docs/man/fish/sallyport-broker.fish: broker/sallyport-broker$(EXEEXT)
	$(call sp_say,broker/sallyport-broker,completion $(notdir $(@D)))
docs/man/bash/sallyport-relay.bash docs/man/zsh/_sallyport-relay docs/man/fish/sallyport-relay.fish: relay/sallyport-relay$(EXEEXT)
	$(call sp_say,relay/sallyport-relay,completion $(notdir $(@D)))
docs/man/bash/sallyport-connector.bash docs/man/zsh/_sallyport-connector docs/man/fish/sallyport-connector.fish: connector/sallyport-connector$(EXEEXT)
	$(call sp_say,connector/sallyport-connector,completion $(notdir $(@D)))
