print('so far')
error('boom')
