#!/bin/sh
# Copyright The kie-operator Authors.
# SPDX-License-Identifier: Apache-2.0

# Makes what the simulator serves: a light that drifts over a dark sea, with a
# quiet tone, in every length, resolution and aspect ratio that can be bought, and
# a picture of it. The videos have the shape of a real result (H.264 High, 24
# frames per second, AAC, index at the front) and are small enough to be embedded.
# Needs ffmpeg with libx264; ffmpeg 5.1 made the ones here.
set -eu
cd "$(dirname "$0")"

# The light is a tenth of the shorter side and takes a minute from side to side.
scene() { # width, height, seconds
	short=$(($1 < $2 ? $1 : $2))
	printf '%s' "color=c=0x16324f:size=$1x$2:rate=24:duration=$3,drawbox=y=ih*2/3:h=ih/3:color=0x0b1d2e:t=fill[sea];"
	printf '%s' "color=c=0xfff4c2:size=$((short / 10))x$((short / 10)):rate=24[light];"
	printf '%s' "[sea][light]overlay=x='W/4+t*W/60':y='H/3':shortest=1"
}

video() { # resolution, aspect, width, height
	for seconds in 4 6 8 15; do
		ffmpeg -hide_banner -loglevel error -y \
			-f lavfi -i "$(scene "$3" "$4" "$seconds")" \
			-f lavfi -i "sine=frequency=220:sample_rate=16000:duration=$seconds,volume=0.1" \
			-c:v libx264 -profile:v high -preset slower -crf 36 -g 1000 -bf 8 -pix_fmt yuv420p \
			-c:a aac -b:a 8k -ac 1 -t "$seconds" -movflags +faststart \
			-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
			"$1-$2-${seconds}s.mp4"
	done
}

picture() { # aspect, width, height
	ffmpeg -hide_banner -loglevel error -y -f lavfi -i "$(scene "$2" "$3" 1)" -frames:v 1 -q:v 8 \
		-map_metadata -1 -fflags +bitexact -flags:v +bitexact "$1.jpg"
}

video 720p landscape 1280 720
video 720p portrait 720 1280
video 1080p landscape 1920 1080
video 1080p portrait 1080 1920
video 4k landscape 3840 2160
video 4k portrait 2160 3840
picture landscape 1280 720
picture portrait 720 1280
