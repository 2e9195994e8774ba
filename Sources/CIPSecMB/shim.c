#include "CIPSecMB.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#include <intel-ipsec-mb.h>
#else
// Another processor, or a system without the library: there is nothing to load, so nothing is called through these.
struct gcm_key_data { uint8_t none; };
struct gcm_context_data { uint8_t none; };
typedef void (*aes_gcm_pre_t)(const void *, struct gcm_key_data *);
typedef void (*aes_gcm_enc_dec_t)(const struct gcm_key_data *, struct gcm_context_data *, uint8_t *, const uint8_t *,
                                  uint64_t, const uint8_t *, const uint8_t *, uint64_t, uint8_t *, uint64_t);
typedef void (*hash_fn_t)(const void *, const uint64_t, void *);
#endif

typedef struct {
    struct gcm_key_data data;
    size_t key_size;
} expanded_key;

_Static_assert(_Alignof(expanded_key) <= CIPSECMB_KEY_ALIGNMENT, "the face promises less alignment than the key needs");

// The library's functions for this processor; written once, before the first use.
static struct {
    aes_gcm_pre_t expand128, expand256;
    aes_gcm_enc_dec_t seal128, seal256, open128, open256;
    hash_fn_t sha256;
} functions;
static bool available;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
#ifdef IMB_VERSION_STR
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return;
    init_mb_mgr_auto(manager, NULL);
    // Without AES instructions the library would emulate them with tables, which leak the key through the cache.
    available = imb_get_errno(manager) == 0 && (manager->features & IMB_FEATURE_AESNI) != 0 &&
                (manager->features & IMB_FEATURE_PCLMULQDQ) != 0;
#ifdef IMB_FEATURE_SELF_TEST
    if ((manager->features & IMB_FEATURE_SELF_TEST) != 0)
        available = available && (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
#endif
    functions.expand128 = manager->gcm128_pre;
    functions.expand256 = manager->gcm256_pre;
    functions.seal128 = manager->gcm128_enc;
    functions.seal256 = manager->gcm256_enc;
    functions.open128 = manager->gcm128_dec;
    functions.open256 = manager->gcm256_dec;
    functions.sha256 = manager->sha256;
    free_mb_mgr(manager);
#endif
}

bool cipsecmb_is_available(void)
{
    pthread_once(&once, load);
    return available;
}

size_t cipsecmb_key_size(void)
{
    return sizeof(expanded_key);
}

void cipsecmb_expand(void *expanded, const uint8_t *key, size_t key_size)
{
    if (!cipsecmb_is_available() || (key_size != 16 && key_size != 32))
        abort();
    expanded_key *self = expanded;
    self->key_size = key_size;
    (key_size == 32 ? functions.expand256 : functions.expand128)(key, &self->data);
}

void cipsecmb_seal(const void *expanded, uint8_t *ciphertext, const uint8_t *plaintext, size_t size,
                   const uint8_t *nonce, const uint8_t *aad, size_t aad_size, uint8_t *tag)
{
    const expanded_key *self = expanded;
    struct gcm_context_data context;
    (self->key_size == 32 ? functions.seal256 : functions.seal128)(&self->data, &context, ciphertext, plaintext, size,
                                                                   nonce, aad, aad_size, tag, CIPSECMB_TAG_SIZE);
    explicit_bzero(&context, sizeof context);
}

bool cipsecmb_open(const void *expanded, uint8_t *plaintext, const uint8_t *ciphertext, size_t size,
                   const uint8_t *nonce, const uint8_t *aad, size_t aad_size, const uint8_t *tag)
{
    const expanded_key *self = expanded;
    struct gcm_context_data context;
    uint8_t computed[CIPSECMB_TAG_SIZE];
    (self->key_size == 32 ? functions.open256 : functions.open128)(&self->data, &context, plaintext, ciphertext, size,
                                                                   nonce, aad, aad_size, computed, CIPSECMB_TAG_SIZE);
    // Volatile, or the compiler might leave the loop at the first difference.
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < sizeof computed; i++)
        difference |= computed[i] ^ tag[i];
    // The computed tag would make a forgery valid.
    explicit_bzero(computed, sizeof computed);
    explicit_bzero(&context, sizeof context);
    if (difference != 0) {
        explicit_bzero(plaintext, size);
        return false;
    }
    return true;
}

void cipsecmb_sha256(const uint8_t *bytes, size_t size, uint8_t *digest)
{
    functions.sha256(bytes, size, digest);
}

void cipsecmb_hmac_sha256(const uint8_t *key, size_t key_size, const uint8_t *bytes, size_t size, uint8_t *code)
{
    enum { block = 64 };
    // What is hashed lies in one piece: the key's block, and behind it the message or, the second time, its digest.
    uint8_t hashed[block + CIPSECMB_HMAC_MAXIMUM] = {0};
    if (key_size > block || size > CIPSECMB_HMAC_MAXIMUM)
        abort();
    memcpy(hashed, key, key_size);
    memcpy(hashed + block, bytes, size);
    for (size_t i = 0; i < block; i++)
        hashed[i] ^= 0x36;
    functions.sha256(hashed, block + size, code);
    for (size_t i = 0; i < block; i++)
        hashed[i] ^= 0x36 ^ 0x5C;
    memcpy(hashed + block, code, CIPSECMB_DIGEST_SIZE);
    functions.sha256(hashed, block + CIPSECMB_DIGEST_SIZE, code);
    explicit_bzero(hashed, sizeof hashed);
}
