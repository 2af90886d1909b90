/* A program of DbgEng that stands in for WinDbg: it attaches to a kernel, takes commands as from a prompt, and
 * breaks in when told, from another thread, as WinDbg does on Ctrl+Break.
 *
 *     debugger_host.exe PORT DBGENG.DLL CONNECTION text|dml
 *
 * It connects to PORT on 127.0.0.1. There, a frame is a letter, the length of what follows (4 bytes, little
 * endian), and that: text is UTF-8.
 *
 * To us:  x  execute a command, at the prompt
 *         b  Ctrl+Break, at any moment
 *         q  close the window: end the session and exit, at the prompt
 * By us:  o  output: its mask (4 bytes), whether it is DML (4 bytes: 0 or 1), the text
 *         p  broken in, waiting for a command: the prompt
 *         r  the target runs
 *         e  a command was refused: the HRESULT (4 bytes)
 *         g  the session is over: why; the process ends
 */
#define INITGUID
#include <winsock2.h>
#include <windows.h>
#include <dbgeng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* dbgeng.h of the Windows SDK, from Windows 7 on; mingw-w64's is older. */
DEFINE_GUID(IID_OutputCallbacks2, 0x67721fe9, 0x56d2, 0x4a44, 0xa3, 0x25, 0x2b, 0x65, 0x51, 0x3c, 0xe6, 0xeb);
#define OUTCBI_TEXT 2
#define OUTCBI_DML 4
#define OUTCB_DML 1
#define OUTPUT_STATUS 0x400 /* WinDbg's status bar */
#define MAX_COMMAND 65536

typedef struct OutputCallbacks2 OutputCallbacks2;
typedef struct {
    HRESULT(WINAPI *QueryInterface)(OutputCallbacks2 *, REFIID, void **);
    ULONG(WINAPI *AddRef)(OutputCallbacks2 *);
    ULONG(WINAPI *Release)(OutputCallbacks2 *);
    HRESULT(WINAPI *Output)(OutputCallbacks2 *, ULONG mask, PCSTR text);
    HRESULT(WINAPI *GetInterestMask)(OutputCallbacks2 *, ULONG *mask);
    HRESULT(WINAPI *Output2)(OutputCallbacks2 *, ULONG which, ULONG flags, ULONG64 mask, PCWSTR text);
} OutputCallbacks2Methods;
struct OutputCallbacks2 {
    const OutputCallbacks2Methods *lpVtbl;
};

typedef HRESULT(WINAPI *DebugCreateFunction)(REFIID, void **);

static SOCKET line = INVALID_SOCKET;
static CRITICAL_SECTION sending;
static ULONG interest = OUTCBI_TEXT;
static IDebugClient *client;
static IDebugControl *control;

/* One command at a time: the other side waits for the prompt before it sends the next. */
static char command[MAX_COMMAND];
static BOOL closing;
static HANDLE commanded;

static void send_all(const char *data, int size)
{
    while (size > 0) {
        int sent = send(line, data, size, 0);
        if (sent <= 0)
            ExitProcess(3); /* Nobody listens any more. */
        data += sent;
        size -= sent;
    }
}

static void tell(char letter, const void *head, ULONG head_size, const char *text)
{
    ULONG text_size = (ULONG)strlen(text), size = head_size + text_size;
    char frame[5];
    frame[0] = letter;
    memcpy(frame + 1, &size, 4);
    EnterCriticalSection(&sending);
    send_all(frame, 5);
    send_all(head, (int)head_size);
    send_all(text, (int)text_size);
    LeaveCriticalSection(&sending);
}

static void leave(const char *why)
{
    tell('g', NULL, 0, why);
    shutdown(line, SD_BOTH);
    ExitProcess(0);
}

static void leave_failed(const char *what, HRESULT result)
{
    char text[200];
    snprintf(text, sizeof text, "%s failed: 0x%08lx", what, (unsigned long)result);
    leave(text);
}

/* Output */

static HRESULT WINAPI query_interface(OutputCallbacks2 *self, REFIID id, void **object)
{
    if (IsEqualIID(id, &IID_IUnknown) || IsEqualIID(id, &IID_IDebugOutputCallbacks) ||
        IsEqualIID(id, &IID_OutputCallbacks2)) {
        *object = self;
        return S_OK;
    }
    *object = NULL;
    return E_NOINTERFACE;
}

static ULONG WINAPI count_reference(OutputCallbacks2 *self)
{
    (void)self;
    return 1;
}

static void output_wide(ULONG mask, ULONG dml, PCWSTR text)
{
    ULONG head[2] = {mask, dml};
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *bytes = malloc((size_t)size + 1);
    if (bytes == NULL || size <= 0)
        ExitProcess(4);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, size, NULL, NULL);
    tell('o', head, sizeof head, bytes);
    free(bytes);
}

static HRESULT WINAPI output(OutputCallbacks2 *self, ULONG mask, PCSTR text)
{
    int size = MultiByteToWideChar(CP_ACP, 0, text, -1, NULL, 0);
    WCHAR *wide = malloc(((size_t)size + 1) * sizeof *wide);
    (void)self;
    if (wide == NULL || size <= 0)
        ExitProcess(4);
    MultiByteToWideChar(CP_ACP, 0, text, -1, wide, size);
    output_wide(mask, 0, wide);
    free(wide);
    return S_OK;
}

static HRESULT WINAPI get_interest_mask(OutputCallbacks2 *self, ULONG *mask)
{
    (void)self;
    *mask = interest;
    return S_OK;
}

static HRESULT WINAPI output2(OutputCallbacks2 *self, ULONG which, ULONG flags, ULONG64 mask, PCWSTR text)
{
    (void)self;
    (void)flags;
    if (text != NULL)
        output_wide((ULONG)mask, which == OUTCB_DML, text);
    return S_OK;
}

static const OutputCallbacks2Methods methods = {
    query_interface, count_reference, count_reference, output, get_interest_mask, output2,
};
static OutputCallbacks2 callbacks = {&methods};

/* Commands */

static BOOL receive_all(char *data, ULONG size)
{
    while (size > 0) {
        int received = recv(line, data, (int)size, 0);
        if (received <= 0)
            return FALSE;
        data += received;
        size -= (ULONG)received;
    }
    return TRUE;
}

static DWORD WINAPI listen_to_user(void *unused)
{
    char frame[5];
    ULONG size;
    (void)unused;
    while (receive_all(frame, 5)) {
        memcpy(&size, frame + 1, 4);
        if (frame[0] == 'b') {
            control->lpVtbl->SetInterrupt(control, DEBUG_INTERRUPT_ACTIVE);
        } else if (frame[0] == 'q') {
            closing = TRUE;
            SetEvent(commanded);
        } else {
            if (size >= MAX_COMMAND || !receive_all(command, size))
                break;
            command[size] = 0;
            SetEvent(commanded);
        }
    }
    ExitProcess(3);
}

static ULONG execution_status(void)
{
    ULONG status = DEBUG_STATUS_NO_DEBUGGEE;
    if (FAILED(control->lpVtbl->GetExecutionStatus(control, &status)))
        return DEBUG_STATUS_NO_DEBUGGEE;
    return status;
}

static void prompt(void)
{
    char text[200] = "";
    if (FAILED(control->lpVtbl->GetPromptText(control, text, sizeof text, NULL)))
        strcpy(text, "> ");
    tell('p', NULL, 0, text);
    WaitForSingleObject(commanded, INFINITE);
}

/* Commands come as UTF-8, and DbgEng hands them to extensions in the system's code page whatever was typed. */
static HRESULT execute(void)
{
    static WCHAR wide[MAX_COMMAND];
    static char line_of_page[2 * MAX_COMMAND];
    if (MultiByteToWideChar(CP_UTF8, 0, command, -1, wide, MAX_COMMAND) == 0 ||
        WideCharToMultiByte(CP_ACP, 0, wide, -1, line_of_page, sizeof line_of_page, NULL, NULL) == 0)
        return E_INVALIDARG;
    return control->lpVtbl->Execute(control, DEBUG_OUTCTL_ALL_CLIENTS, line_of_page, DEBUG_EXECUTE_NOT_LOGGED);
}

/* As WinDbg and kd: wait while the target runs, show where it stopped, and take commands until one resumes it. */
static void serve(void)
{
    HRESULT result;
    for (;;) {
        tell('r', NULL, 0, "");
        result = control->lpVtbl->WaitForEvent(control, DEBUG_WAIT_DEFAULT, INFINITE);
        /* After .reboot there is no target for a while, and waiting brings the new one; after q waiting fails. */
        if (execution_status() == DEBUG_STATUS_NO_DEBUGGEE)
            leave("the session was ended");
        if (FAILED(result))
            leave_failed("WaitForEvent", result);
        control->lpVtbl->OutputCurrentState(control, DEBUG_OUTCTL_ALL_CLIENTS, DEBUG_CURRENT_DEFAULT);
        while (execution_status() == DEBUG_STATUS_BREAK) {
            prompt();
            if (closing) {
                result = client->lpVtbl->EndSession(client, DEBUG_END_ACTIVE_DETACH);
                if (FAILED(result))
                    leave_failed("EndSession", result);
                leave("the window was closed");
            }
            result = execute();
            if (FAILED(result))
                tell('e', &result, 4, "");
        }
    }
}

/* Our Windows Python is in one folder, which is not ours. Its extension modules look for their libraries beside the
 * program and where AddDllDirectory says; in an installed Python these are beside the modules. And Wine finds its own
 * mscoree.dll before the one that is there, and refuses to load it; one that is loaded already it takes. */
static void use_python(void)
{
    WCHAR path[MAX_PATH + 32];
    DWORD size = GetEnvironmentVariableW(L"PYTHONHOME", path, MAX_PATH);
    if (size == 0 || size >= MAX_PATH)
        return;
    AddDllDirectory(path);
    wcscat(path, L"\\mscoree.dll");
    LoadLibraryW(path);
}

int main(int argc, char **argv)
{
    WSADATA sockets;
    struct sockaddr_in address = {.sin_family = AF_INET};
    HMODULE engine;
    DebugCreateFunction create;
    HRESULT result;

    if (argc != 5) {
        fprintf(stderr, "debugger_host.exe PORT DBGENG.DLL CONNECTION text|dml\n");
        return 2;
    }
    if (strcmp(argv[4], "dml") == 0)
        interest |= OUTCBI_DML;
    InitializeCriticalSection(&sending);
    commanded = CreateEventW(NULL, FALSE, FALSE, NULL);
    WSAStartup(MAKEWORD(2, 2), &sockets);
    line = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((u_short)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(line, (struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "nobody listens on port %s\n", argv[1]);
        return 2;
    }

    use_python();
    engine = LoadLibraryExA(argv[2], NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    create = engine ? (DebugCreateFunction)(void *)GetProcAddress(engine, "DebugCreate") : NULL;
    if (create == NULL)
        leave("dbgeng.dll does not load");
    if (FAILED(result = create(&IID_IDebugClient, (void **)&client)))
        leave_failed("DebugCreate", result);
    client->lpVtbl->QueryInterface(client, &IID_IDebugControl, (void **)&control);
    client->lpVtbl->SetOutputCallbacks(client, (PDEBUG_OUTPUT_CALLBACKS)(void *)&callbacks);
    client->lpVtbl->SetOutputMask(
        client, DEBUG_OUTPUT_NORMAL | DEBUG_OUTPUT_ERROR | DEBUG_OUTPUT_WARNING | DEBUG_OUTPUT_PROMPT |
                    DEBUG_OUTPUT_PROMPT_REGISTERS | DEBUG_OUTPUT_EXTENSION_WARNING | DEBUG_OUTPUT_DEBUGGEE |
                    DEBUG_OUTPUT_DEBUGGEE_PROMPT | DEBUG_OUTPUT_SYMBOLS | OUTPUT_STATUS);
    CloseHandle(CreateThread(NULL, 0, listen_to_user, NULL, 0, NULL));
    /* As windbg -b. */
    control->lpVtbl->AddEngineOptions(control, DEBUG_ENGOPT_INITIAL_BREAK);
    if (FAILED(result = client->lpVtbl->AttachKernel(client, DEBUG_ATTACH_KERNEL_CONNECTION, argv[3])))
        leave_failed("AttachKernel", result);
    serve();
    return 0;
}
