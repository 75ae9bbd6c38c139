/* Fuzzes the YAML parser and the whole of loading a configuration, from memory: see loading.h. */
#include "loading.h"

#include "format/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_parsing(yaml_parse, true, VALUE_DEPTH_MAX, data, size);
    fuzz_loading(&format_yaml, data, size);
    return 0;
}
