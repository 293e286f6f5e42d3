// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// TestUploadFaults uploads with KIE's client, once with each fault and once more
// without it.
func TestUploadFaults(t *testing.T) {
	const taken kie.Class = -1
	cases := map[UploadFault]struct {
		want  kie.Class
		count int // of the answers with this code
		code  int
	}{
		"":                 {taken, 2, 200},
		UploadFaultNone:    {taken, 2, 200},
		UploadFault500:     {kie.Unavailable, 1, 500},
		UploadFault401:     {kie.Unauthorized, 1, 401},
		UploadFaultCode400: {kie.Invalid, 1, 400},
		UploadFaultGarbage: {kie.Unavailable, 2, 200},
		UploadFaultDrop:    {kie.Unavailable, 1, noAnswer},
	}
	_ = cases
}
