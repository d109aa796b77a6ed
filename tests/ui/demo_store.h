#ifndef VAETOP_TEST_DEMO_STORE_H
#define VAETOP_TEST_DEMO_STORE_H

#include "demo.h"

/* Makes a study in dir (a new folder). */
WUR enum err_code demo_store(const char *dir, enum demo_kind kind, struct err *e);

#endif
