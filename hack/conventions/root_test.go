// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"path/filepath"
	"runtime"
)

// root is the top folder of the repository, from where this file was compiled.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
