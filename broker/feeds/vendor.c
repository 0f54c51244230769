#include "broker/feeds/vendor.h"

static const struct vendor vendors[FEED_VENDORS] = {
    [FEED_NONE] = {.name = "", .title = "", .source = "", .permission = ""},
    [FEED_CROWDSTRIKE] = {.name = "crowdstrike",
                          .title = "CrowdStrike",
                          .source = "falcon",
                          .permission = "Zero Trust Assessment: Read",
                          .signals = {"falcon:overall", "falcon:os", "falcon:sensor_config",
                                      "falcon:sensor_file_status", "falcon:version"},
                          .regions = {{"us-1", "https://api.crowdstrike.com",
                                       "https://api.crowdstrike.com"},
                                      {"us-2", "https://api.us-2.crowdstrike.com",
                                       "https://api.us-2.crowdstrike.com"},
                                      {"eu-1", "https://api.eu-1.crowdstrike.com",
                                       "https://api.eu-1.crowdstrike.com"},
                                      {"us-gov-1", "https://api.laggar.gcw.crowdstrike.com",
                                       "https://api.laggar.gcw.crowdstrike.com"},
                                      {"us-gov-2", "https://api.us-gov-2.crowdstrike.mil",
                                       "https://api.us-gov-2.crowdstrike.mil"}}},
    [FEED_INTUNE] = {
        .name = "intune",
        .title = "Intune",
        .source = "intune",
        .permission = "DeviceManagementManagedDevices.Read.All",
        .tenant = true,
        .signals = {"disk_encryption", "intune:compliance", "intune:jailbroken",
                    "intune:os_version", "intune:owner", "intune:threat"},
        .regions = {
            {"global", "https://graph.microsoft.com", "https://login.microsoftonline.com"},
            {"us-gov", "https://graph.microsoft.us", "https://login.microsoftonline.us"},
            {"us-dod", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us"},
            {"china", "https://microsoftgraph.chinacloudapi.cn",
             "https://login.chinacloudapi.cn"}}}};

const struct vendor *vendor_of(enum feed_vendor v)
{
    return &vendors[v];
}

enum feed_vendor vendor_find(struct view name)
{
    for (enum feed_vendor v = FEED_NONE + 1; v < FEED_VENDORS; v++)
        if (view_is(name, vendors[v].name))
            return v;
    return FEED_NONE;
}

const struct vendor_region *vendor_region(enum feed_vendor v, struct view name)
{
    for (const struct vendor_region *r = vendors[v].regions; r->name != NULL; r++)
        if (view_is(name, r->name))
            return r;
    return NULL;
}

const char *vendor_region_of(enum feed_vendor v, const char *base_url, const char *login_url)
{
    for (const struct vendor_region *r = vendors[v].regions; r->name != NULL; r++)
        if (strcmp(base_url, r->base_url) == 0 && strcmp(login_url, r->login_url) == 0)
            return r->name;
    return "";
}
