/* AES-256-XTS with 512-byte data units (FIPS 197, IEEE 1619-2018), for x64 without help from the processor.
 *
 * Little-endian words, one table look-up per byte. The tables are made by aes_make_tables: once, in DriverEntry.
 * Not constant-time: this encrypts what an emulator made up.
 */
#ifndef AES_XTS_H
#define AES_XTS_H

#include <stddef.h>
#include <stdint.h>

#define AES_ROUNDS 14
#define AES_KEY_WORDS (4 * (AES_ROUNDS + 1))
#define XTS_UNIT 512u
#define XTS_KEY_SIZE 64u

typedef struct {
    uint32_t encrypt[AES_KEY_WORDS]; /* of the data key */
    uint32_t decrypt[AES_KEY_WORDS]; /* of the data key, for the equivalent inverse cipher */
    uint32_t tweak[AES_KEY_WORDS];
} xts_key;

static uint8_t aes_box[256], aes_inverse_box[256];
static uint32_t aes_e[4][256], aes_d[4][256];

static inline uint32_t aes_rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static inline uint8_t aes_double(uint8_t x)
{
    return (uint8_t)(x << 1 ^ (x >> 7) * 0x1B);
}

static uint32_t aes_times(uint8_t x, uint8_t factor)
{
    uint32_t product = 0;

    for (; factor; factor >>= 1, x = aes_double(x))
        if (factor & 1)
            product ^= x;
    return product;
}

static void aes_make_tables(void)
{
    uint8_t p = 1, q = 1;

    /* p runs through the field in powers of 3, q through the inverses. */
    do {
        uint8_t s;

        p = (uint8_t)(p ^ aes_double(p));
        q ^= (uint8_t)(q << 1);
        q ^= (uint8_t)(q << 2);
        q ^= (uint8_t)(q << 4);
        if (q & 0x80)
            q ^= 0x09;
        s = (uint8_t)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4));
        aes_box[p] = s ^ 0x63;
    } while (p != 1);
    aes_box[0] = 0x63;
    for (int i = 0; i < 256; i++)
        aes_inverse_box[aes_box[i]] = (uint8_t)i;
    for (int i = 0; i < 256; i++) {
        uint8_t s = aes_box[i], t = aes_inverse_box[i];
        uint32_t e = aes_times(s, 2) | (uint32_t)s << 8 | (uint32_t)s << 16 | aes_times(s, 3) << 24;
        uint32_t d = aes_times(t, 14) | aes_times(t, 9) << 8 | aes_times(t, 13) << 16 | aes_times(t, 11) << 24;

        for (int row = 0; row < 4; row++) {
            aes_e[row][i] = row ? aes_rotate(e, 8 * row) : e;
            aes_d[row][i] = row ? aes_rotate(d, 8 * row) : d;
        }
    }
}

static inline uint32_t aes_byte(uint32_t word, int number)
{
    return word >> (8 * number) & 0xFF;
}

static uint32_t aes_substitute(uint32_t word)
{
    return aes_box[aes_byte(word, 0)] | (uint32_t)aes_box[aes_byte(word, 1)] << 8 |
           (uint32_t)aes_box[aes_byte(word, 2)] << 16 | (uint32_t)aes_box[aes_byte(word, 3)] << 24;
}

static void aes_expand(uint32_t *words, const uint8_t *key)
{
    uint8_t constant = 1;

    for (int i = 0; i < 8; i++)
        words[i] = (uint32_t)key[4 * i] | (uint32_t)key[4 * i + 1] << 8 | (uint32_t)key[4 * i + 2] << 16 |
                   (uint32_t)key[4 * i + 3] << 24;
    for (int i = 8; i < AES_KEY_WORDS; i++) {
        uint32_t word = words[i - 1];

        if (i % 8 == 0) {
            word = aes_substitute(aes_rotate(word, 24)) ^ constant;
            constant = aes_double(constant);
        } else if (i % 8 == 4) {
            word = aes_substitute(word);
        }
        words[i] = words[i - 8] ^ word;
    }
}

static void aes_invert(uint32_t *inverse, const uint32_t *words)
{
    for (int round = 0; round <= AES_ROUNDS; round++)
        for (int i = 0; i < 4; i++) {
            uint32_t word = words[4 * (AES_ROUNDS - round) + i];

            if (round != 0 && round != AES_ROUNDS) {
                uint32_t mixed = 0;

                for (int row = 0; row < 4; row++)
                    mixed ^= aes_d[row][aes_box[aes_byte(word, row)]];
                word = mixed;
            }
            inverse[4 * round + i] = word;
        }
}

/* The one difference between the two directions: which column a row comes from, and which tables serve. */
#define AES_CIPHER(name, table, box, column)                                                              \
    static void name(const uint32_t *key, uint32_t *block)                                                \
    {                                                                                                     \
        uint32_t s[4], t[4];                                                                              \
                                                                                                          \
        for (int i = 0; i < 4; i++)                                                                       \
            s[i] = block[i] ^ key[i];                                                                     \
        for (int round = 1; round < AES_ROUNDS; round++) {                                                \
            for (int i = 0; i < 4; i++)                                                                   \
                t[i] = table[0][aes_byte(s[i], 0)] ^ table[1][aes_byte(s[column(i, 1)], 1)] ^             \
                       table[2][aes_byte(s[column(i, 2)], 2)] ^ table[3][aes_byte(s[column(i, 3)], 3)] ^  \
                       key[4 * round + i];                                                                \
            for (int i = 0; i < 4; i++)                                                                   \
                s[i] = t[i];                                                                              \
        }                                                                                                 \
        for (int i = 0; i < 4; i++)                                                                       \
            block[i] = ((uint32_t)box[aes_byte(s[i], 0)] | (uint32_t)box[aes_byte(s[column(i, 1)], 1)] << 8 | \
                        (uint32_t)box[aes_byte(s[column(i, 2)], 2)] << 16 |                               \
                        (uint32_t)box[aes_byte(s[column(i, 3)], 3)] << 24) ^                              \
                       key[4 * AES_ROUNDS + i];                                                           \
    }
#define AES_LATER(i, n) (((i) + (n)) & 3)
#define AES_EARLIER(i, n) (((i) - (n)) & 3)
AES_CIPHER(aes_encrypt, aes_e, aes_box, AES_LATER)
AES_CIPHER(aes_decrypt, aes_d, aes_inverse_box, AES_EARLIER)

/* key: the data key, then the tweak key. */
static void xts_set_key(xts_key *key, const uint8_t *bytes)
{
    aes_expand(key->encrypt, bytes);
    aes_invert(key->decrypt, key->encrypt);
    aes_expand(key->tweak, bytes + XTS_KEY_SIZE / 2);
}

/* size: a multiple of XTS_UNIT; data: aligned to 4 bytes; in place; sector: the first unit's number. */
static void xts_crypt(const xts_key *key, int decrypt, uint64_t sector, void *data, size_t size)
{
    uint32_t *block = data;

    for (; size >= XTS_UNIT; size -= XTS_UNIT, sector++) {
        uint32_t tweak[4] = {(uint32_t)sector, (uint32_t)(sector >> 32), 0, 0};

        aes_encrypt(key->tweak, tweak);
        for (unsigned n = 0; n < XTS_UNIT / 16; n++, block += 4) {
            uint32_t carry = tweak[3] >> 31;

            for (int i = 0; i < 4; i++)
                block[i] ^= tweak[i];
            if (decrypt)
                aes_decrypt(key->decrypt, block);
            else
                aes_encrypt(key->encrypt, block);
            for (int i = 0; i < 4; i++)
                block[i] ^= tweak[i];
            for (int i = 3; i > 0; i--)
                tweak[i] = tweak[i] << 1 | tweak[i - 1] >> 31;
            tweak[0] = tweak[0] << 1 ^ carry * 0x87;
        }
    }
}

#endif
