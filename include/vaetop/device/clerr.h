/* Names of OpenCL's and CLBlast's status codes, and the one way to turn a status into an error. */
#ifndef VAETOP_DEVICE_CLERR_H
#define VAETOP_DEVICE_CLERR_H

#include "vaetop/base/err.h"

/* "CL_OUT_OF_RESOURCES", "CLBLAST_INVALID_DIMENSION"; "CL_ERROR" for a number nobody knows. */
const char *cl_name(int status);

/* "call(detail): CL_NAME (-5)" under the code that fits the status: DEVICE_MEM when memory was refused, CL_BUILD for
 * a build, NODEVICE when there is no platform or device, else CL. detail may be NULL. Returns the code. */
enum err_code cl_fail(struct err *e, int status, const char *call, const char *detail);

#endif
