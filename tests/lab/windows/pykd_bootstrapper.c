/* pykd.dll: stands in for pykd's bootstrapper, which no package index carries.
 *
 * pykd.pyd is an extension too and has a !py of its own, but one that knows no -m and loses the arguments. This
 * one takes the command line as the bootstrapper does (version 2.0.0.24), and hands pykd.pyd a script that supplies
 * what it lacks. What else the bootstrapper does (choosing a Python, !pip, !info, !select) it does not.
 *
 * DUMPFILT_TYPED names a folder of ours. The script is written there, and the exit code of the last !py, which
 * a user never sees.
 */
#define INITGUID
#include <windows.h>
#include <dbgeng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 65536
#define MAX_ARGUMENTS 256

typedef HRESULT(CALLBACK *Initialize)(ULONG *, ULONG *);
typedef void(CALLBACK *Uninitialize)(void);
typedef HRESULT(CALLBACK *Command)(IDebugClient *, PCSTR);

static HMODULE pykd;
static Command pykd_py;
static LONG busy;
static BOOL used;

static HRESULT refuse(IDebugClient *client, const char *what, const char *which)
{
    IDebugControl *control;
    if (SUCCEEDED(client->lpVtbl->QueryInterface(client, &IID_IDebugControl, (void **)&control))) {
        control->lpVtbl->Output(control, DEBUG_OUTPUT_ERROR, "%s%s\n", what, which);
        control->lpVtbl->Release(control);
    }
    return S_OK;
}

/* Blanks part, quotation marks group and vanish, and so does what is empty; nothing escapes. */
static int split(PCSTR line, char *buffer, char **arguments)
{
    int count = 0;
    while (count < MAX_ARGUMENTS) {
        char *begin = buffer;
        BOOL quoted = FALSE;
        while (*line == ' ' || *line == '\t')
            line++;
        while (*line && (quoted || (*line != ' ' && *line != '\t'))) {
            if (*line == '"')
                quoted = !quoted;
            else
                *buffer++ = *line;
            line++;
        }
        if (buffer != begin) {
            *buffer++ = 0;
            arguments[count++] = begin;
        }
        if (!*line)
            break;
    }
    return count;
}

static BOOL is(const char *text, const char *one, const char *other)
{
    return strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

/* A Python literal of any text: the debugger's code page is ours. */
static void write_literal(FILE *file, const char *text)
{
    static WCHAR wide[MAX_LINE];
    int size = MultiByteToWideChar(CP_ACP, 0, text, -1, wide, MAX_LINE), index;
    fputs("'", file);
    for (index = 0; index < size - 1; index++)
        fprintf(file, "\\u%04x", wide[index]);
    /* Characters beyond the first 65536 are two escapes; together they are one again. */
    fputs("'.encode('utf-16-le', 'surrogatepass').decode('utf-16-le', 'replace')", file);
}

static BOOL write_script(const char *path, const char *outcome, BOOL module, int count, char **arguments)
{
    FILE *file = fopen(path, "w");
    int index;
    if (file == NULL)
        return FALSE;
    fputs("def _typed():\n    import os, runpy, sys\n    sys.setrecursionlimit(500)\n    sys.argv[:] = [", file);
    for (index = 0; index < count; index++) {
        write_literal(file, index == 0 && module ? "" : arguments[index]);
        fputs(", ", file);
    }
    fputs("]\n    what = ", file);
    write_literal(file, arguments[0]);
    fputs("\n    folder = os.path.dirname(sys.argv[0])\n"
          "    if sys.path[:1] != [folder]:\n        sys.path.insert(0, folder)\n"
          "    code = 1\n    try:\n",
          file);
    if (module)
        fputs("        runpy.run_module(what, run_name='__main__', alter_sys=True)\n", file);
    else
        fputs("        with open(what, 'rb') as file:\n            text = file.read()\n"
              "        exec(compile(text, what, 'exec'), globals())\n",
              file);
    fputs("        code = 0\n"
          "    except SystemExit as ended:\n"
          "        code = 0 if ended.code is None else ended.code if isinstance(ended.code, int) else 1\n"
          "        raise\n"
          "    finally:\n        with open(",
          file);
    write_literal(file, outcome);
    fputs(", 'w') as file:\n            file.write(str(code))\n_typed()\n", file);
    return fclose(file) == 0;
}

__declspec(dllexport) HRESULT CALLBACK DebugExtensionInitialize(ULONG *version, ULONG *flags)
{
    char path[MAX_PATH + 64], home[MAX_PATH];
    Initialize initialize;
    HRESULT result;
    if (GetEnvironmentVariableA("PYTHONHOME", home, sizeof home) == 0)
        return E_FAIL;
    snprintf(path, sizeof path, "%s\\Lib\\site-packages\\pykd\\pykd.pyd", home);
    pykd = LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (pykd == NULL)
        return HRESULT_FROM_WIN32(GetLastError());
    initialize = (Initialize)(void *)GetProcAddress(pykd, "DebugExtensionInitialize");
    pykd_py = (Command)(void *)GetProcAddress(pykd, "py");
    if (initialize == NULL || pykd_py == NULL || FAILED(result = initialize(version, flags)))
        return E_FAIL;
    *version = 0x20000;
    *flags = 0;
    return S_OK;
}

__declspec(dllexport) void CALLBACK DebugExtensionUninitialize(void)
{
    Uninitialize uninitialize = (Uninitialize)(void *)GetProcAddress(pykd, "DebugExtensionUninitialize");
    /* It throws where no interpreter was started. */
    if (used && uninitialize != NULL)
        uninitialize();
}

static HRESULT run(IDebugClient *client, PCSTR line)
{
    static char buffer[MAX_LINE];
    char *arguments[MAX_ARGUMENTS], folder[MAX_PATH], script[MAX_PATH + 16], outcome[MAX_PATH + 16];
    char command[MAX_PATH + 32], found[MAX_PATH];
    BOOL module = FALSE;
    const char *mode = "";
    int count, first = 0;

    if (strlen(line) >= MAX_LINE || GetEnvironmentVariableA("DUMPFILT_TYPED", folder, sizeof folder) == 0)
        return refuse(client, "the lab's pykd.dll is not set up: ", "see tests/lab/host.py");
    count = split(line, buffer, arguments);
    for (; first < count && arguments[first][0] == '-'; first++) {
        if (is(arguments[first], "-m", "--module")) {
            module = TRUE;
            first++;
            break;
        }
        if (is(arguments[first], "-g", "--global"))
            mode = "-g ";
        else if (is(arguments[first], "-l", "--local"))
            mode = "-l ";
        else if (strncmp(arguments[first], "-3", 2) != 0)
            break;
    }
    if (first >= count)
        return refuse(client, "the lab's pykd.dll has no REPL: ", "name a script or a module");
    if (!module) {
        DWORD size = SearchPathA(NULL, arguments[first], ".py", sizeof found, found, NULL);
        if (size == 0 || size >= sizeof found)
            return refuse(client, "script not found: ", arguments[first]);
        arguments[first] = found;
    }
    snprintf(script, sizeof script, "%s\\typed.py", folder);
    snprintf(outcome, sizeof outcome, "%s\\outcome", folder);
    if (!write_script(script, outcome, module, count - first, arguments + first))
        return refuse(client, "cannot write ", script);
    snprintf(command, sizeof command, "%s%s", mode, script);
    used = TRUE;
    return pykd_py(client, command);
}

__declspec(dllexport) HRESULT CALLBACK py(IDebugClient *client, PCSTR line)
{
    HRESULT result;
    if (InterlockedIncrement(&busy) > 1)
        result = refuse(client, "can not run !py command recursive", "");
    else
        result = run(client, line);
    InterlockedDecrement(&busy);
    return result;
}
