return 'named as public links begin'
