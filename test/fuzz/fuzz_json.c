/* Fuzzes the JSON parser and the whole of loading a configuration, from memory: see loading.h. */
#include "loading.h"

#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_parsing(json_parse, false, JSON_DEPTH_MAX, data, size);
    fuzz_loading(&format_json, data, size);
    return 0;
}
