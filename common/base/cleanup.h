/*
 * Scoped cleanup: the destructor runs on every way out of the block.
 *
 *   AS_AUTO(buf) struct buf b = {0};      calls buf_done(&b)
 *
 * A destructor named x_done must accept a zeroed struct.
 */
#ifndef AFTERSYNC_BASE_CLEANUP_H
#define AFTERSYNC_BASE_CLEANUP_H

#define AS_AUTO(type) __attribute__((cleanup(type##_done)))

#endif
