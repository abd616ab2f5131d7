/* Answers the CPUID instructions of a library as a CPU with AVX2, and nothing
 * newer, would.
 *
 * In a copy of the library UD2, an instruction that is not one, stands where
 * CPUID was; both take two bytes. The kernel turns UD2 into SIGILL, whose
 * handler asks the CPU, takes AVX-512, VNNI and AMX from the answer, and goes
 * on behind the instruction. Linux, x86-64. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

/* Bits of leaf 7, by Intel's manual, volume 2A, table 3-17. */
enum {
    F = 1u << 16, DQ = 1u << 17, IFMA = 1u << 21, PF = 1u << 26,
    ER = 1u << 27, CD = 1u << 28, BW = 1u << 30, VL = 1u << 31,
    VBMI = 1u << 1, VBMI2 = 1u << 6, VNNI = 1u << 11, BITALG = 1u << 12,
    VPOPCNTDQ = 1u << 14,
    VNNIW = 1u << 2, FMAPS = 1u << 3, VP2INTERSECT = 1u << 8,
    AMX_BF16 = 1u << 22, FP16 = 1u << 23, AMX_TILE = 1u << 24,
    AMX_INT8 = 1u << 25,
};

static struct sigaction before;

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *at = (unsigned char *)registers[REG_RIP];
    if (at[0] != 0x0f || at[1] != 0x0b) { /* another's fault */
        sigaction(number, &before, NULL);
        return;
    }
    unsigned leaf = registers[REG_RAX], part = registers[REG_RCX];
    unsigned a, b, c, d;
    __cpuid_count(leaf, part, a, b, c, d);
    if (leaf == 7 && part == 0) {
        b &= ~(F | DQ | IFMA | PF | ER | CD | BW | VL);
        c &= ~(VBMI | VBMI2 | VNNI | BITALG | VPOPCNTDQ);
        d &= ~(VNNIW | FMAPS | VP2INTERSECT | AMX_BF16 | FP16 | AMX_TILE |
               AMX_INT8);
    } else if (leaf == 7 && part == 1) {
        a = b = c = d = 0; /* AVX-VNNI and all that came after */
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

/* Returns 0, or -1 if there can be no handler. */
int iptq_answer_cpuid(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    return sigaction(SIGILL, &action, &before);
}
