// Variables that native code asks for or sets. libc's own reads (locale, time zone) are not seen.
#include <stdlib.h>

#include "plugin-shim/preload/looks.h"
#include "plugin-shim/preload/next.h"

namespace recorder = hearth::recorder;

HEARTH_WRAPPER char* getenv(const char* name) noexcept {
  HEARTH_NEXT(getenv);
  recorder::variable_read(name);
  return next(name);
}

HEARTH_WRAPPER char* secure_getenv(const char* name) noexcept {
  HEARTH_NEXT(secure_getenv);
  recorder::variable_read(name);
  return next(name);
}

HEARTH_WRAPPER int setenv(const char* name, const char* value, int overwrite) noexcept {
  HEARTH_NEXT(setenv);
  recorder::variable_written(name);
  return next(name, value, overwrite);
}

HEARTH_WRAPPER int unsetenv(const char* name) noexcept {
  HEARTH_NEXT(unsetenv);
  recorder::variable_written(name);
  return next(name);
}

HEARTH_WRAPPER int putenv(char* entry) noexcept {
  HEARTH_NEXT(putenv);
  recorder::variable_written(entry);
  return next(entry);
}

HEARTH_WRAPPER int clearenv() noexcept {
  HEARTH_NEXT(clearenv);
  recorder::all_variables_written();
  return next();
}
