return 'deep'
