#include "wire/codec.h"

#include <string.h>

#define MF_CODEC(id) extern const struct mf_codec mf_codec_##id;
#include "wire/codecs.def"
#undef MF_CODEC

static const struct mf_codec *const codecs[] = {
#define MF_CODEC(id) &mf_codec_##id,
#include "wire/codecs.def"
#undef MF_CODEC
};

const struct mf_codec *mf_codec_at(size_t i)
{
    return i < sizeof codecs / sizeof codecs[0] ? codecs[i] : NULL;
}

const struct mf_codec *mf_codec_find(const char *name)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    return NULL;
}
