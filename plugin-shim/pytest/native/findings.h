// What is done on the way to a stage that no look at a file tells: noted with the code that did it.
#pragma once

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {

// Notes an audit event, if it is one of those that count.
void note_event(PyObject* event, PyObject* args);

// Asks the recorder to tell when an identity is taken, from here on.
void note_identities();

}  // namespace hearth::python
