/* Wine's mscoree.dll refuses the class that pykd asks for when it initialises, and pykd then refuses to work.
 * pykd uses the CLR for managed targets only, so an object whose methods all say "not implemented" will do. */
#include <windows.h>

typedef struct Object {
    void **methods;
} Object;

static HRESULT WINAPI query_interface(Object *self, REFIID id, void **object)
{
    (void)id;
    *object = self;
    return S_OK;
}

static ULONG WINAPI count_reference(Object *self)
{
    (void)self;
    return 1;
}

static HRESULT WINAPI not_implemented(Object *self)
{
    (void)self;
    return E_NOTIMPL;
}

/* IUnknown, then as many methods as ICLRMetaHost and its relatives have, and some more. */
static void *methods[32] = {
    query_interface, count_reference, count_reference, not_implemented, not_implemented, not_implemented,
    not_implemented, not_implemented, not_implemented, not_implemented, not_implemented, not_implemented,
    not_implemented, not_implemented, not_implemented, not_implemented, not_implemented, not_implemented,
    not_implemented, not_implemented, not_implemented, not_implemented, not_implemented, not_implemented,
    not_implemented, not_implemented, not_implemented, not_implemented, not_implemented, not_implemented,
    not_implemented, not_implemented,
};
static Object object = {methods};

__declspec(dllexport) HRESULT WINAPI CLRCreateInstance(REFCLSID class_id, REFIID id, void **result)
{
    (void)class_id;
    (void)id;
    *result = &object;
    return S_OK;
}
