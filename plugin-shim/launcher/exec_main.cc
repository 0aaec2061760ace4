// `hearth-exec [--] COMMAND …`: the same as `hearth exec`, in a program that starts as fast as one
// can: ctest starts it for every test.
#include <string>
#include <vector>

#include "plugin-shim/launcher/commands.h"

int main(int count, char** words) {
  return hearth::launcher::exec(std::vector<std::string>(words + 1, words + count));
}
