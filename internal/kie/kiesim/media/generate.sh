#!/bin/sh
# Copyright The kie-operator Authors.
# SPDX-License-Identifier: Apache-2.0

# Makes the videos that the simulator serves: eight seconds of a test pattern
# that counts the seconds, with a tone. They have the shape of a real result
# (H.264 High, 24 frames per second, 720p, AAC, index at the front) and are small
# enough to be embedded. Needs ffmpeg with libx264; ffmpeg 5.1 made the ones here.
set -eu
cd "$(dirname "$0")"

generate() { # file, size
	ffmpeg -hide_banner -loglevel error -y \
		-f lavfi -i "testsrc=size=$2:rate=24:duration=8" \
		-f lavfi -i "sine=frequency=440:sample_rate=44100:duration=8" \
		-c:v libx264 -profile:v high -preset veryslow -crf 32 -pix_fmt yuv420p \
		-c:a aac -b:a 24k -ac 1 -t 8 -movflags +faststart \
		-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
		"$1"
}

generate landscape.mp4 1280x720
generate portrait.mp4 720x1280
