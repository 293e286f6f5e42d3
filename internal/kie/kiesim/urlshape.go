// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import "strings"

// of returns a list of URLs in this shape, nil for no list.
func (u URLShape) of(urls []string) any {
	if urls == nil {
		return nil
	}
	switch u {
	case URLsJSON:
		return string(encode(urls))
	case URLsBrackets:
		return "[" + strings.Join(urls, ",") + "]"
	default:
		return urls
	}
}
