// Valgrind's requests are macros of C. Outside of valgrind they do nothing.
#include <stddef.h>
#include <valgrind/memcheck.h>

int under_valgrind(void) { return RUNNING_ON_VALGRIND; }
void mark_undefined(const void *bytes, size_t length) { VALGRIND_MAKE_MEM_UNDEFINED(bytes, length); }
void mark_defined(const void *bytes, size_t length) { VALGRIND_MAKE_MEM_DEFINED(bytes, length); }
void disable_reports(void) { VALGRIND_DISABLE_ERROR_REPORTING; }
void enable_reports(void) { VALGRIND_ENABLE_ERROR_REPORTING; }
