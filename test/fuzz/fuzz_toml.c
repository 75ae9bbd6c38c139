/* Fuzzes the TOML parser and the whole of loading a configuration, from memory: see loading.h. */
#include "loading.h"

#include "format/toml_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The tables in an array of tables hang one level lower than their header says. */
    fuzz_parsing(toml_parse, true, 2 * VALUE_DEPTH_MAX, data, size);
    fuzz_loading(&format_toml, data, size);
    return 0;
}
