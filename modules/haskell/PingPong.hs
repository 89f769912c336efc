{-# LANGUAGE CPP #-}
-- | The module that is exchanged: a ping-pong process. Version N is compiled with -DVERSION=N.
module PingPong (entry) where

import Control.Distributed.Process
import Core

entry :: Entry
entry (Just it) state = pinged it state
entry Nothing state = do
  message <- expect
  case message of
    Ordered what -> entry Nothing state { order = Just what }
    Asked it -> pinged it state

pinged :: Ping -> State -> Process ()
pinged it state = case order state of
  Nothing -> answer it state
  Just what -> upgrade it what state { order = Nothing }

answer :: Ping -> State -> Process ()
answer it state = do
  let n = answered state + 1
  send (from it) (Pong it (Just VERSION) (incarnation state) n)
  entry Nothing state { answered = n }

-- | On this ping, which nobody has answered yet.
upgrade :: Ping -> Order -> State -> Process ()
upgrade it what state = case style state of
  Same -> reload it what >>= maybe (answer it state) (\new -> new (Just it) state)
  OldCode -> reload it what >> answer it state
  Nested -> do
    reload it what >>= maybe (answer it state) (\new -> new (Just it) state)
    liftIO (putStrLn "this is said when the new version ends")
  Respawn -> reboot it what state
  None -> reload it what >> return ()
