#include "lib/schema/meta.h"

#include "lib/base/banned.h"

/* clang-format off: JSON in lines of equal length */
static const char schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/schema\",\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/"
    "vocab/core\":true,\"https://json-schema.org/draft/2020-12/vocab/applicator\":true,\"http"
    "s://json-schema.org/draft/2020-12/vocab/unevaluated\":true,\"https://json-schema.org/dra"
    "ft/2020-12/vocab/validation\":true,\"https://json-schema.org/draft/2020-12/vocab/meta-da"
    "ta\":true,\"https://json-schema.org/draft/2020-12/vocab/format-annotation\":true,\"https"
    "://json-schema.org/draft/2020-12/vocab/content\":true},\"$dynamicAnchor\":\"meta\",\"all"
    "Of\":[{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},{\"$ref\":\"meta/unevaluat"
    "ed\"},{\"$ref\":\"meta/validation\"},{\"$ref\":\"meta/meta-data\"},{\"$ref\":\"meta/form"
    "at-annotation\"},{\"$ref\":\"meta/content\"}],\"type\":[\"object\",\"boolean\"],\"proper"
    "ties\":{\"definitions\":{\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":"
    "\"#meta\"},\"deprecated\":true},\"dependencies\":{\"type\":\"object\",\"additionalProper"
    "ties\":{\"anyOf\":[{\"$dynamicRef\":\"#meta\"},{\"$ref\":\"meta/validation#/$defs/string"
    "Array\"}]},\"deprecated\":true},\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchor"
    "String\",\"deprecated\":true},\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenc"
    "eString\",\"deprecated\":true}}}";

static const char applicator[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/applicator\",\"$vocabulary\":{\"https://json-schema.org/draft"
    "/2020-12/vocab/applicator\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boo"
    "lean\"],\"properties\":{\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},\"items\":{\""
    "$dynamicRef\":\"#meta\"},\"contains\":{\"$dynamicRef\":\"#meta\"},\"additionalProperties"
    "\":{\"$dynamicRef\":\"#meta\"},\"properties\":{\"type\":\"object\",\"additionalPropertie"
    "s\":{\"$dynamicRef\":\"#meta\"}},\"patternProperties\":{\"type\":\"object\",\"additional"
    "Properties\":{\"$dynamicRef\":\"#meta\"},\"propertyNames\":{\"format\":\"regex\"}},\"dep"
    "endentSchemas\":{\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":\"#meta\""
    "}},\"propertyNames\":{\"$dynamicRef\":\"#meta\"},\"if\":{\"$dynamicRef\":\"#meta\"},\"th"
    "en\":{\"$dynamicRef\":\"#meta\"},\"else\":{\"$dynamicRef\":\"#meta\"},\"allOf\":{\"$ref"
    "\":\"#/$defs/schemaArray\"},\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"oneOf\":{\"$r"
    "ef\":\"#/$defs/schemaArray\"},\"not\":{\"$dynamicRef\":\"#meta\"}},\"$defs\":{\"schemaAr"
    "ray\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$dynamicRef\":\"#meta\"}}}}";

static const char content[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/content\",\"$vocabulary\":{\"https://json-schema.org/draft/20"
    "20-12/vocab/content\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\""
    "],\"properties\":{\"contentEncoding\":{\"type\":\"string\"},\"contentMediaType\":{\"type"
    "\":\"string\"},\"contentSchema\":{\"$dynamicRef\":\"#meta\"}}}";

static const char core[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/core\",\"$vocabulary\":{\"https://json-schema.org/draft/2020-"
    "12/vocab/core\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],\"pr"
    "operties\":{\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
    "\"$schema\":{\"$ref\":\"#/$defs/uriString\"},\"$ref\":{\"$ref\":\"#/$defs/uriReferenceSt"
    "ring\"},\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},\"$dynamicRef\":{\"$ref\":\"#/$d"
    "efs/uriReferenceString\"},\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},\"$voca"
    "bulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},\"addit"
    "ionalProperties\":{\"type\":\"boolean\"}},\"$comment\":{\"type\":\"string\"},\"$defs\":{"
    "\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":\"#meta\"}}},\"$defs\":{\""
    "anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},\"uriStr"
    "ing\":{\"type\":\"string\",\"format\":\"uri\"},\"uriReferenceString\":{\"type\":\"string"
    "\",\"format\":\"uri-reference\"}}}";

static const char format_annotation[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/format-annotation\",\"$vocabulary\":{\"https://json-schema.or"
    "g/draft/2020-12/vocab/format-annotation\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\""
    "object\",\"boolean\"],\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char format_assertion[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/format-assertion\",\"$vocabulary\":{\"https://json-schema.org"
    "/draft/2020-12/vocab/format-assertion\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"ob"
    "ject\",\"boolean\"],\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char meta_data[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/meta-data\",\"$vocabulary\":{\"https://json-schema.org/draft/"
    "2020-12/vocab/meta-data\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boole"
    "an\"],\"properties\":{\"title\":{\"type\":\"string\"},\"description\":{\"type\":\"string"
    "\"},\"default\":true,\"deprecated\":{\"type\":\"boolean\"},\"readOnly\":{\"type\":\"bool"
    "ean\"},\"writeOnly\":{\"type\":\"boolean\"},\"examples\":{\"type\":\"array\",\"items\":t"
    "rue}}}";

static const char unevaluated[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/unevaluated\",\"$vocabulary\":{\"https://json-schema.org/draf"
    "t/2020-12/vocab/unevaluated\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"b"
    "oolean\"],\"properties\":{\"unevaluatedItems\":{\"$dynamicRef\":\"#meta\"},\"unevaluated"
    "Properties\":{\"$dynamicRef\":\"#meta\"}}}";

static const char validation[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://json-sch"
    "ema.org/draft/2020-12/meta/validation\",\"$vocabulary\":{\"https://json-schema.org/draft"
    "/2020-12/vocab/validation\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boo"
    "lean\"],\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},{\"type"
    "\":\"array\",\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\""
    ":true}]},\"const\":true,\"enum\":{\"type\":\"array\",\"items\":true},\"multipleOf\":{\"t"
    "ype\":\"number\",\"exclusiveMinimum\":0},\"maximum\":{\"type\":\"number\"},\"exclusiveMa"
    "ximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},\"exclusiveMinimum\":{\""
    "type\":\"number\"},\"maxLength\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},\"minLength\""
    ":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},\"pattern\":{\"type\":\"string\",\"fo"
    "rmat\":\"regex\"},\"maxItems\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},\"minItems\":{"
    "\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},\"uniqueItems\":{\"type\":\"boolean\"},"
    "\"maxContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},\"minContains\":{\"$ref\":\"#/"
    "$defs/nonNegativeInteger\"},\"maxProperties\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minProperties\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},\"required\":{\"$ref"
    "\":\"#/$defs/stringArray\"},\"dependentRequired\":{\"type\":\"object\",\"additionalPrope"
    "rties\":{\"$ref\":\"#/$defs/stringArray\"}}},\"$defs\":{\"nonNegativeInteger\":{\"type\""
    ":\"integer\",\"minimum\":0},\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegati"
    "veInteger\"},\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"num"
    "ber\",\"object\",\"string\"]},\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":\""
    "string\"},\"uniqueItems\":true}}}";
/* clang-format on */

struct view meta_schema(struct view uri)
{
    static const struct {
        const char *uri, *text;
    } documents[] = {
        {"https://json-schema.org/draft/2020-12/schema", schema},
        {"https://json-schema.org/draft/2020-12/meta/applicator", applicator},
        {"https://json-schema.org/draft/2020-12/meta/content", content},
        {"https://json-schema.org/draft/2020-12/meta/core", core},
        {"https://json-schema.org/draft/2020-12/meta/format-annotation", format_annotation},
        {"https://json-schema.org/draft/2020-12/meta/format-assertion", format_assertion},
        {"https://json-schema.org/draft/2020-12/meta/meta-data", meta_data},
        {"https://json-schema.org/draft/2020-12/meta/unevaluated", unevaluated},
        {"https://json-schema.org/draft/2020-12/meta/validation", validation},
    };

    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        if (view_is(uri, documents[i].uri))
            return view_str(documents[i].text);
    }
    return (struct view){0};
}
